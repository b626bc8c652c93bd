//! What fits a schema, what does not, and how that is said.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use schema::Schema;
use serde_json::{Value, json};

fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let found = Schema::parse(&schema.to_string()).unwrap().check(value).unwrap();
    let text = |violation: schema::Violation| {
        let mark = if violation.about_name { "!" } else { "" };
        format!("{}{mark} {}", violation.pointer, violation.message)
    };
    found.into_iter().map(text).collect()
}

#[test]
fn every_keyword_accepts_and_refuses() {
    let cases = [
        (json!({ "type": "integer" }), json!([1, 1.0, -3]), json!([1.5, "1", null])),
        (json!({ "type": ["string", "null"] }), json!(["a", null]), json!([1, []])),
        (json!({ "const": { "a": 1 } }), json!([{ "a": 1.0 }]), json!([{ "a": 2 }, {}])),
        (json!({ "enum": ["a", 1] }), json!(["a", 1]), json!(["b", "1"])),
        (json!({ "multipleOf": 0.01 }), json!([0.35, 4, "x"]), json!([0.355])),
        (json!({ "minimum": 1, "exclusiveMaximum": 3 }), json!([1, 2.9, "x"]), json!([0, 3])),
        (json!({ "exclusiveMinimum": 1, "maximum": 3 }), json!([1.1, 3]), json!([1, 3.1])),
        (json!({ "minLength": 1, "maxLength": 2 }), json!(["é", "ab", 5]), json!(["", "abc"])),
        (json!({ "pattern": "^a+$" }), json!(["aa", 1]), json!(["b", ""])),
        (json!({ "minItems": 1, "maxItems": 2 }), json!([[1], "x"]), json!([[], [1, 2, 3]])),
        (json!({ "uniqueItems": true }), json!([[1, 2], []]), json!([[1, 1.0], [{}, {}]])),
        (
            json!({ "prefixItems": [{ "type": "string" }], "items": { "type": "integer" } }),
            json!([["a", 1], [], ["a"]]),
            json!([[1], ["a", "b"]]),
        ),
        (json!({ "contains": { "const": 1 } }), json!([[2, 1]]), json!([[], [2]])),
        (
            json!({ "contains": { "const": 1 }, "minContains": 0, "maxContains": 1 }),
            json!([[], [1]]),
            json!([[1, 1]]),
        ),
        (
            json!({ "minProperties": 1, "maxProperties": 1 }),
            json!([{ "a": 1 }]),
            json!([{}, { "a": 1, "b": 2 }]),
        ),
        (json!({ "required": ["a"] }), json!([{ "a": 1 }, []]), json!([{}])),
        (
            json!({ "dependentRequired": { "a": ["b"] } }),
            json!([{}, { "a": 1, "b": 1 }]),
            json!([{ "a": 1 }]),
        ),
        (
            json!({ "dependentSchemas": { "a": { "minProperties": 2 } } }),
            json!([{}, { "a": 1, "b": 1 }]),
            json!([{ "a": 1 }]),
        ),
        (
            json!({ "properties": { "a": { "type": "null" } }, "additionalProperties": false }),
            json!([{}, { "a": null }]),
            json!([{ "a": 1 }, { "b": null }]),
        ),
        (
            json!({ "patternProperties": { "^x-": { "type": "string" } }, "additionalProperties": { "type": "null" } }),
            json!([{ "x-a": "b", "c": null }]),
            json!([{ "x-a": 1 }, { "c": 1 }]),
        ),
        (json!({ "propertyNames": { "maxLength": 1 } }), json!([{ "a": 1 }]), json!([{ "ab": 1 }])),
        (json!({ "allOf": [{ "minimum": 1 }, { "maximum": 2 }] }), json!([1]), json!([0, 3])),
        (json!({ "anyOf": [{ "minimum": 3 }, { "maximum": 1 }] }), json!([0, 4]), json!([2])),
        (json!({ "oneOf": [{ "minimum": 1 }, { "maximum": 2 }] }), json!([0, 3]), json!([1])),
        (json!({ "not": { "type": "null" } }), json!([1]), json!([null])),
        (
            json!({ "if": { "minimum": 10 }, "then": { "multipleOf": 10 }, "else": { "multipleOf": 2 } }),
            json!([20, 4]),
            json!([15, 3]),
        ),
        (
            json!({ "allOf": [{ "properties": { "a": true } }], "unevaluatedProperties": false }),
            json!([{ "a": 1 }]),
            json!([{ "a": 1, "b": 1 }]),
        ),
        (
            json!({ "anyOf": [{ "prefixItems": [{ "const": 1 }] }, { "prefixItems": [true, true] }],
                    "unevaluatedItems": false }),
            json!([[1], [2, 3]]),
            json!([[1, 2, 3]]),
        ),
        (
            json!({ "$defs": { "a/b": { "type": "null" }, "c": { "$anchor": "c", "type": "string" } },
                    "properties": { "x": { "$ref": "#/$defs/a~1b" }, "y": { "$ref": "#c" } } }),
            json!([{ "x": null, "y": "" }]),
            json!([{ "x": 1 }, { "y": 1 }]),
        ),
        (
            json!({ "$id": "https://example.com/s", "$ref": "https://example.com/s#/$defs/a",
                    "$defs": { "a": { "type": "null" } } }),
            json!([null]),
            json!([1]),
        ),
        (
            json!({ "properties": { "next": { "$ref": "#" } }, "additionalProperties": false }),
            json!([{ "next": { "next": {} } }]),
            json!([{ "next": { "other": {} } }]),
        ),
        (json!({ "format": "email", "unknown": 1, "$comment": "x", "default": 5 }), json!(["x"]), json!([])),
        (json!(true), json!([1]), json!([])),
        (json!(false), json!([]), json!([1])),
    ];
    for (schema, good, bad) in cases {
        for value in good.as_array().unwrap() {
            assert_eq!(violations(&schema, value), Vec::<String>::new(), "{schema} {value}");
        }
        for value in bad.as_array().unwrap() {
            assert!(!violations(&schema, value).is_empty(), "{schema} {value}");
        }
    }
}

#[test]
fn what_is_wrong_is_said_at_its_place_and_shows_no_value() {
    let schema = json!({
        "type": "object",
        "required": ["text"],
        "additionalProperties": false,
        "properties": {
            "text": { "type": "string", "maxLength": 3 },
            "port": { "type": "integer", "minimum": 1, "maximum": 65535 },
            "mode": { "enum": ["fast", "safe"] },
            "list": { "items": { "type": "object", "properties": { "a/b": { "type": "boolean" } } } },
            "key": { "oneOf": [
                { "type": "string" },
                { "type": "object", "required": ["file"], "properties": { "file": { "type": "string" } } },
            ] },
            "names": { "propertyNames": { "pattern": "^[a-z]+$" } },
        },
    });
    let cases = [
        (json!({}), vec![" `text` is missing"]),
        (json!([]), vec![" expected a mapping, found a list"]),
        (json!({ "text": 1 }), vec!["/text expected text, found a number"]),
        (json!({ "text": "hunter2" }), vec!["/text the text has 7 characters, but may have 3"]),
        (json!({ "text": "", "tetx": "" }), vec!["/tetx! `tetx` is not known here"]),
        (json!({ "text": "", "port": 0 }), vec!["/port the number is less than 1"]),
        (json!({ "text": "", "port": 1.5 }), vec!["/port expected a whole number, found a fraction"]),
        (json!({ "text": "", "mode": "hunter2" }), vec!["/mode the value is not one that is allowed here"]),
        (
            json!({ "text": "", "list": [{}, { "a/b": "yes" }] }),
            vec!["/list/1/a~1b expected `true` or `false`, found text"],
        ),
        (json!({ "text": "", "key": { "file": 1 } }), vec!["/key/file expected text, found a number"]),
        (
            json!({ "text": "", "key": 1 }),
            vec!["/key the value is of none of the forms that are allowed here"],
        ),
        (
            json!({ "text": "", "names": { "A1": 1 } }),
            vec!["/names/A1! the name `A1` does not fit: the text does not fit the pattern `^[a-z]+$`"],
        ),
    ];
    for (value, expected) in cases {
        assert_eq!(violations(&schema, &value), expected, "{value}");
    }
    let hint = |value: Value| {
        let found = Schema::parse(&schema.to_string()).unwrap().check(&value).unwrap();
        found.into_iter().next().unwrap().hint.unwrap()
    };
    assert_eq!(hint(json!({ "text": "", "mode": 1 })), "allowed: `fast`, `safe`");
    assert_eq!(hint(json!({ "text": "", "x": 1 })), "known: `key`, `list`, `mode`, `names`, `port`, `text`");
    let forms = "of the forms: expected text, found a number; expected a mapping, found a number";
    assert_eq!(hint(json!({ "text": "", "key": 1 })), forms);
}

#[test]
fn what_is_no_schema_is_refused_with_its_place() {
    let cases = [
        ("", "it is not JSON"),
        ("[", "it is not JSON"),
        ("[]", "a schema is an object"),
        (r#"{"type":"text"}"#, "`type` names no type"),
        (r#"{"type":5}"#, "`type` names no type"),
        (r#"{"properties":[]}"#, "`properties` is not an object"),
        (r#"{"properties":{"a":{"items":5}}}"#, "at `/a/items`: a schema is an object"),
        (r#"{"required":"a"}"#, "`required` is not a list"),
        (r#"{"required":[1]}"#, "`required` holds something else than texts"),
        (r#"{"minLength":-1}"#, "`minLength` is not a whole number"),
        (r#"{"multipleOf":0}"#, "`multipleOf` is not more than zero"),
        (r#"{"pattern":"(?=x)"}"#, "look-around"),
        (r#"{"$ref":"https://example.com/x"}"#, "leads out of the schema"),
        (r#"{"$ref":"file:///etc/passwd"}"#, "leads out of the schema"),
        (r##"{"$ref":"#/nowhere"}"##, "leads nowhere"),
        (r##"{"$ref":"#%"}"##, "leads nowhere"),
        (r##"{"$dynamicRef":"#x"}"##, "`$dynamicRef` is not supported"),
        (r#"{"properties":{"a":{"$id":"x"}}}"#, "`$id` is supported at the top"),
        (
            r#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#,
            "only `https://json-schema.org/draft/2020-12",
        ),
        (r#"[{"$anchor":"a"},{"$anchor":"a"}]"#, "stands twice"),
    ];
    for (text, reason) in cases {
        let error = Schema::parse(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

/// Schemas made to take for ever, or more stack or memory than there is.
#[test]
fn no_schema_takes_long() {
    let reference = |name: String| json!({ "$ref": format!("#/$defs/{name}") });
    let mut chain = serde_json::Map::new();
    let mut bomb = serde_json::Map::new();
    for index in 0..30_000 {
        chain.insert(format!("d{index}"), reference(format!("d{}", index + 1)));
    }
    chain.insert("d30000".to_owned(), json!(true));
    for index in 0..60 {
        let next = reference(format!("d{}", index + 1));
        bomb.insert(format!("d{index}"), json!({ "allOf": [next, next], "unevaluatedProperties": false }));
    }
    bomb.insert("d60".to_owned(), json!({ "type": "object" }));
    let wide: Vec<Value> = (0..5_000).map(|index| json!({ "a": index })).collect();
    let deep = (0..60).fold(json!(1), |inner, _| json!([inner]));
    let items = || json!({ "items": { "$ref": "#/$defs/t" }, "type": "array" });
    let any_bomb = json!({ "$defs": { "t": { "anyOf": [items(), items(), items()] } }, "$ref": "#/$defs/t" });
    let words = json!({ "enum": wide.clone() });
    let cases: Vec<(&str, Value, Value, bool)> = vec![
        ("itself", json!({ "$ref": "#" }), json!(1), false),
        ("each other", json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#" } } }), json!(1), false),
        ("a long chain", json!({ "$defs": chain, "$ref": "#/$defs/d0" }), json!(1), false),
        ("doubling", json!({ "$defs": bomb, "$ref": "#/$defs/d0" }), json!({ "a": 1 }), false),
        ("branches at every level", any_bomb, deep, false),
        ("unique items", json!({ "uniqueItems": true }), json!(wide), false),
        ("one of many", json!({ "items": words }), json!(vec![json!({ "a": "x" }); 5_000]), false),
        (
            "patterns",
            json!({ "items": { "pattern": "(x{1,9}y{1,9}){1,9}$" } }),
            json!(vec!["xy".repeat(5_000); 100]),
            false,
        ),
        ("many members", json!({ "additionalProperties": false }), many_members(20_000), true),
        ("long names", json!({ "additionalProperties": { "type": "null" } }), long_names(), true),
    ];
    for (name, schema, value, answered) in cases {
        let start = std::time::Instant::now();
        let result = Schema::parse(&schema.to_string()).unwrap().check(&value);
        println!("{name}: {:?}", start.elapsed());
        assert_eq!(result.is_ok(), answered, "{name}: {:?}", result.map(|found| found.len()));
        assert!(start.elapsed().as_secs() < 20, "{name}: {:?}", start.elapsed());
    }
}

fn many_members(count: usize) -> Value {
    Value::Object((0..count).map(|index| (format!("m{index}"), json!(1))).collect())
}

fn long_names() -> Value {
    let inner: Value = Value::Object((0..1000).map(|index| (format!("{index}"), json!(1))).collect());
    let mut outer = serde_json::Map::new();
    outer.insert("x".repeat(1 << 20), inner);
    Value::Object(outer)
}

#[test]
fn a_schema_has_a_size_and_a_depth() {
    let long = format!("{{\"title\":\"{}\"}}", "x".repeat(schema::MAX_TEXT));
    assert!(Schema::parse(&long).unwrap_err().to_string().contains("bytes"));
    let deep = "{\"not\":".repeat(100_000) + "{}" + &"}".repeat(100_000);
    assert!(Schema::parse(&deep).unwrap_err().to_string().contains("recursion limit"));
    let wide = format!("{{\"allOf\":[{}]}}", vec!["{}"; 200_000].join(","));
    assert!(Schema::parse(&wide).unwrap_err().to_string().contains("more than 100000 schemas"));
}

/// A sound schema with a byte changed here and there, as often as time allows.
#[test]
fn mutated_schemas_neither_panic_nor_hang() {
    const SOUND: &str = r##"{"$defs":{"a":{"$anchor":"x","type":["object","null"],"properties":{"b":{"$ref":"#x"}},
        "patternProperties":{"^[a-z]+$":{"enum":["a",1,null]}},"additionalProperties":{"oneOf":[{"minLength":2},{"const":1}]}}},
        "$ref":"#/$defs/a","if":{"required":["b"]},"then":{"minProperties":1},"unevaluatedProperties":false}"##;
    let value = json!({ "b": { "b": null, "c": "a" }, "d": [1, "xy", {}], "e": -1.5 });
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let (mut read, start) = (0, std::time::Instant::now());
    while start.elapsed().as_secs() < 2 {
        let mut bytes = SOUND.as_bytes().to_vec();
        for _ in 0..=random(3) {
            let (from, to) = (random(bytes.len()), random(bytes.len()));
            match random(3) {
                0 => bytes.swap(from, to),
                1 => drop(bytes.remove(from)),
                _ => bytes.insert(from, b"{}[]\",:019#/$"[random(13)]),
            }
        }
        let schema = String::from_utf8_lossy(&bytes).into_owned();
        if let Ok(schema) = Schema::parse(&schema) {
            read += 1;
            let _ = schema.check(&value);
        }
    }
    assert!(read > 20, "{read} were schemas");
}

/// The official test suite, where `JSON_SCHEMA_SUITE` names its folder `draft2020-12`; without it there is nothing to do.
#[test]
#[ignore = "needs the official test suite"]
fn the_official_suite_is_answered() {
    let folder = std::env::var_os("JSON_SCHEMA_SUITE").expect("JSON_SCHEMA_SUITE names a folder");
    let (mut count, mut refused, mut wrong) = (0, 0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let groups: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for group in groups.as_array().unwrap() {
            let place = format!("{}: {}", path.file_name().unwrap().display(), group["description"]);
            let schema = match Schema::parse(&group["schema"].to_string()) {
                Ok(schema) => schema,
                Err(error) => {
                    println!("refused {place}: {error}");
                    refused += 1;
                    continue;
                }
            };
            for test in group["tests"].as_array().unwrap() {
                count += 1;
                let valid = schema.check(&test["data"]).map(|found| found.is_empty());
                if valid.as_ref().ok() != test["valid"].as_bool().as_ref() {
                    wrong.push(format!("{place}, {}: {valid:?}", test["description"]));
                }
            }
        }
    }
    println!("{count} cases, {refused} schemas refused");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
