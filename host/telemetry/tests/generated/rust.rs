//! Rust code from the registry.

use std::fmt::Write;

use crate::Outcome;
use crate::model::{Attribute, Category, Member, Reference, Registry, Shape};

const HEAD: &str = "\
//! The closed sets of values, and what carries them: all that telemetry can say.
//!
//! Made from `registry/imagecustomizer.yaml`; `tests/generated` says how.

use crate::closed_set::{closed_set, duration_classes, guest_members, signal};
";

pub(crate) fn code(registry: &Registry) -> Outcome<String> {
    let mut code = HEAD.to_owned();
    for attribute in &registry.attributes {
        enumeration(&mut code, attribute)?;
        durations(&mut code, attribute)?;
        guest_members(&mut code, attribute)?;
    }
    for entity in &registry.entities {
        let attributes: Vec<_> = entity.identity.iter().chain(&entity.description).collect();
        signal(&mut code, registry, "RESOURCE", [&entity.name, "", &entity.brief], None, &attributes)?;
    }
    for span in &registry.spans {
        let constant = constant(&span.name, "SPAN");
        let attributes: Vec<_> = span.attributes.iter().collect();
        signal(&mut code, registry, &constant, [&span.name, "", &span.brief], span.shape(), &attributes)?;
    }
    for metric in &registry.metrics {
        let constant = constant(&metric.name, "METRIC");
        let attributes: Vec<_> = metric.attributes.iter().collect();
        let texts = [metric.name.as_str(), &metric.unit, &metric.brief];
        signal(&mut code, registry, &constant, texts, metric.shape(), &attributes)?;
    }
    Ok(code)
}

fn enumeration(code: &mut String, attribute: &Attribute) -> Outcome {
    let (rust, key) = (&attribute.about().rust, &attribute.key);
    let category = match attribute.about().category {
        Category::Usage => "Usage",
        Category::Environment => "Environment",
        Category::Performance => "Performance",
    };
    let guest = attribute.about().guest;
    writeln!(
        code,
        "\nclosed_set! {{\n    {rust}, {key:?}, {:?}, {category}, guest {guest}, {{",
        attribute.brief
    )?;
    for member in attribute.members() {
        writeln!(code, "        {} = {:?}: {:?},", pascal(&member.id), member.value(), member.brief)?;
    }
    code.push_str("    }\n}\n");
    Ok(())
}

fn durations(code: &mut String, attribute: &Attribute) -> Outcome {
    let length = |member: &Member| -> Option<u64> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds of a registry we wrote"
        )]
        member.about().and_then(|about| about.length_seconds).map(|seconds| (seconds * 1000.0) as u64)
    };
    if attribute.members().iter().all(|member| length(member).is_none()) {
        return Ok(());
    }
    writeln!(code, "\nduration_classes! {{\n    {} {{", attribute.about().rust)?;
    let mut last_below = Some(0);
    for member in attribute.members() {
        let length = length(member).ok_or_else(|| format!("`{}` has no length", member.id))?;
        let below = member.about().and_then(|about| about.below_seconds);
        let name = pascal(&member.id);
        match (last_below, below) {
            (Some(last), Some(below)) if below > last => {
                writeln!(code, "        {name}: below {below}, length {length};")?;
            }
            (Some(_), None) => writeln!(code, "    }}\n    {name}: length {length};\n}}")?,
            _ => return Err(format!("`{}` is out of order", member.id).into()),
        }
        last_below = below;
    }
    match last_below {
        None => Ok(()),
        Some(_) => Err(format!("the last class of `{}` has an end", attribute.key).into()),
    }
}

fn guest_members(code: &mut String, attribute: &Attribute) -> Outcome {
    let members: Vec<_> = attribute
        .members()
        .iter()
        .filter(|member| member.about().is_some_and(|about| about.guest))
        .map(|member| pascal(&member.id))
        .collect();
    match (attribute.about().guest, members.is_empty()) {
        (false, true) => return Ok(()),
        (true, false) => {}
        _ => return Err(format!("`{}` and its members disagree about guests", attribute.key).into()),
    }
    writeln!(code, "\nguest_members! {{\n    {} {{ {}, }}\n}}", attribute.about().rust, members.join(", "))?;
    Ok(())
}

fn signal(
    code: &mut String,
    registry: &Registry,
    constant: &str,
    [name, unit, brief]: [&str; 3],
    shape: Option<Shape>,
    attributes: &[&Reference],
) -> Outcome {
    writeln!(code, "\nsignal! {{\n    {constant}, {name:?}, {unit:?}, {}, {brief:?}, {{", occurs(shape))?;
    for wanted in attributes {
        let attribute = registry.attribute(&wanted.key)?;
        writeln!(code, "        {} {},", occurs(wanted.shape()), attribute.about().rust)?;
    }
    code.push_str("    }\n}\n");
    Ok(())
}

fn occurs(shape: Option<Shape>) -> &'static str {
    match shape {
        None => "Always",
        Some(Shape::Full) => "Full",
        Some(Shape::Minimal) => "Minimal",
    }
}

/// `imagecustomizer.run.duration` and `METRIC` become `RUN_DURATION_METRIC`.
fn constant(name: &str, kind: &str) -> String {
    let name = name.strip_prefix("imagecustomizer.").unwrap_or(name);
    format!("{}_{kind}", name.replace('.', "_").to_uppercase())
}

/// `lt_1s` becomes `Lt1s`.
fn pascal(id: &str) -> String {
    let mut name = String::new();
    for word in id.split(['_', '-', '.']) {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}
