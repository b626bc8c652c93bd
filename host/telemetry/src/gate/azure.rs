//! Reads items of Azure Monitor back into reports.

use serde_json::{Value, json};

use super::items::{LOCATION, set};
use super::{Gate, MAX_BODY};
use crate::destination::InstrumentationKey;
use crate::gzip::{packed, unpacked};
use crate::payload::Refused;
use crate::record::{Apis, Detail, Environment, Phases, Report};
use crate::registry::Api;
use crate::values::Values;

/// No items are anywhere near as long, in bytes of JSON.
pub(crate) const MAX_JSON: usize = 256 * 1024;

impl Gate {
    /// Checks the bodies, compressed by gzip, of requests for items, and gives the one body that may be sent instead.
    ///
    /// The items get a tag that keeps the service from storing the sender's address.
    ///
    /// # Errors
    /// [`Refused`] when a body holds, or could hold, anything but what the registry lists.
    pub fn azure(&self, key: InstrumentationKey, bodies: &[Vec<u8>]) -> Result<Vec<u8>, Refused> {
        let mut read = Vec::new();
        for body in bodies {
            read.extend(unpack(body)?);
        }
        let (environment, report) = self.understood(&read)?;
        let mut made = self.items(&environment, &report, key);
        self.replace_times(&mut read);
        order_apis(&mut read);
        if read != made {
            return Err(Refused::because("an item holds something that is not in the registry"));
        }
        for tags in made.iter_mut().filter_map(|item| item.get_mut("tags")) {
            set(tags, LOCATION.0, json!(LOCATION.1));
        }
        packed(Value::Array(made).to_string().as_bytes())
    }

    fn understood(&self, items: &[Value]) -> Result<(Environment, Report), Refused> {
        let [run, others @ ..] = items else { return Err(Refused::because("no item")) };
        let (environment, mut report) = properties(run, |values| values.run(self.shape))?;
        let Detail::Full { phases, apis, .. } = &mut report.detail else { return Ok((environment, report)) };
        (*phases, *apis) = (Phases::NONE, Apis::NONE);
        for item in others {
            match item.pointer("/data/baseType").and_then(Value::as_str) {
                Some("RemoteDependencyData") => {
                    let (_, (phase, duration)) = properties(item, Values::phase)?;
                    phases.set(phase, duration);
                }
                _ => apis.extend(api(item)),
            }
        }
        Ok((environment, report))
    }

    /// Metrics have the time at which they were collected; what is sent is the hour in which the run started.
    fn replace_times(&self, items: &mut [Value]) {
        for item in items.iter_mut().filter(|item| is_metric(item)) {
            if item.get("time").is_some_and(Value::is_string) {
                set(item, "time", json!(self.hour.utc(0)));
            }
        }
    }
}

impl Apis {
    fn extend(&mut self, api: Option<Api>) {
        if let Some(api) = api {
            self.insert(api);
        }
    }
}

fn is_metric(item: &Value) -> bool {
    item.pointer("/data/baseType").and_then(Value::as_str) == Some("MetricData")
}

/// The part of the configuration language that an item says was used, if that is what it says.
fn api(item: &Value) -> Option<Api> {
    properties(item, Values::api).ok().map(|(_, api)| api)
}

/// The SDK leaves the order of points to chance. Here it is the registry's; they are the last items.
fn order_apis(items: &mut [Value]) {
    items.sort_by_key(api);
}

/// Reads what an item carries: the resource's keys and values and its own, in one object.
fn properties<'a, T>(
    item: &'a Value,
    take: impl FnOnce(&mut Values<'a>) -> Result<T, Refused>,
) -> Result<(Environment, T), Refused> {
    let properties = item.pointer("/data/baseData/properties").and_then(Value::as_object);
    let properties = properties.ok_or(Refused::because("an item carries nothing"))?;
    let mut pairs = Vec::with_capacity(properties.len());
    for (key, value) in properties {
        pairs.push((key.as_str(), value.as_str().ok_or(Refused::because("a value is no text"))?));
    }
    let mut values = Values(pairs);
    let environment = values.environment()?;
    let taken = take(&mut values)?;
    values.end()?;
    Ok((environment, taken))
}

/// Reads items from a body that holds nothing beside them: no key twice, no number in another form, no space.
fn unpack(body: &[u8]) -> Result<Vec<Value>, Refused> {
    if body.len() > MAX_BODY {
        return Err(Refused::because("a body is too long"));
    }
    let text = unpacked(body, MAX_JSON)?;
    let value: Value = serde_json::from_slice(&text).map_err(|_| Refused::because("a body is no JSON"))?;
    if !serde_json::to_vec(&value).is_ok_and(|again| again == text) {
        return Err(Refused::because("a body holds more than its items"));
    }
    match value {
        Value::Array(items) => Ok(items),
        _ => Err(Refused::because("a body is no list of items")),
    }
}
