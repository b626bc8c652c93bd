//! What a component is and would need.

use super::{Workbench, binary, file_name, unusable};
use crate::error::Result;
use sandbox::Import;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

/// All there is to know of a component without running it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectionReport {
    /// The name that it gives itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The step's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// One line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The version of the step contract that serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<&'static str>,
    /// Lower-case hex.
    pub sha256: String,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes of native code on this machine.
    pub native_size: u64,
    /// Bytes of memory that it starts with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_memory: Option<u64>,
    /// What has to be granted before all that it can call is of use.
    pub needs: Vec<String>,
    /// What it imports.
    pub imports: Vec<ImportReport>,
    /// What it exports.
    pub exports: Vec<String>,
    /// The JSON Schema of its settings; as text where it is no JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings_schema: Option<Value>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
}

/// One interface that a component imports.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// With package and version.
    pub name: String,
    /// What it can call of it.
    pub functions: Vec<String>,
    /// What has to be granted for some of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Why it is never served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl Workbench {
    /// Looks at a component. That it cannot be used as a step is part of what is found.
    ///
    /// # Errors
    /// When the file cannot be read, or is no component.
    pub fn inspect(&self, file: &Path) -> Result<InspectionReport> {
        let found =
            self.sandbox.inspect(&file_name(file), &binary(file)?).map_err(|error| unusable(file, error))?;
        let (description, unusable) = match found.description {
            Ok(description) => (Some(description), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let schema = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
        let imports: Vec<ImportReport> = found.imports.into_iter().map(ImportReport::from).collect();
        let mut needs: Vec<String> = imports.iter().flat_map(|import| import.needs.clone()).collect();
        needs.sort();
        needs.dedup();
        Ok(InspectionReport {
            name: description.as_ref().map(|described| described.name.clone()),
            version: description.as_ref().map(|described| described.version.clone()),
            summary: description.as_ref().map(|described| described.summary.clone()),
            settings_schema: description.map(|described| schema(described.settings_schema)),
            contract: found.contract,
            sha256: found.sha256,
            size: found.size,
            native_size: found.native_size,
            initial_memory: found.initial_memory,
            needs,
            imports,
            exports: found.exports,
            unusable,
        })
    }
}

impl From<Import> for ImportReport {
    fn from(import: Import) -> Self {
        let needs = import.needs.iter().map(ToString::to_string).collect();
        Self { name: import.name, functions: import.functions, needs, refused: import.refused }
    }
}
