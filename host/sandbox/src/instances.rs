//! How many instances a component makes, before anything is compiled.

use wasmparser::{ComponentInstance, Payload};

/// Counts while a component is read from its start to its end.
#[derive(Debug)]
pub(crate) struct Instances {
    /// The modules and components that are being read, the outermost first: the instances that each makes.
    open: Vec<u64>,
    /// The most that a component makes which has been read. An instance of a component counts as one of this: which one it
    /// is, an alias may hide.
    most: u64,
}

impl Instances {
    pub(crate) fn new() -> Self {
        Self { open: vec![0], most: 0 }
    }

    /// Takes the next part; gives how many instances there are at least once the component is made, or more.
    pub(crate) fn count(&mut self, payload: &Payload<'_>) -> u64 {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => self.open.push(0),
            Payload::End(_) => {
                let ended = self.open.pop().unwrap_or_default();
                self.most = self.most.max(ended);
                return ended;
            }
            Payload::InstanceSection(section) => self.add(u64::from(section.count())),
            Payload::ComponentInstanceSection(section) => {
                let made = section
                    .clone()
                    .into_iter()
                    .filter(|one| matches!(one, Ok(ComponentInstance::Instantiate { .. })))
                    .count() as u64;
                let each = self.most.saturating_add(1);
                self.add(made.saturating_mul(each));
            }
            _ => {}
        }
        self.open.last().copied().unwrap_or_default()
    }

    fn add(&mut self, count: u64) {
        if let Some(open) = self.open.last_mut() {
            *open = open.saturating_add(count);
        }
    }
}
