//! Components put together by hand: sections added to a sound one, and names in it changed.
//!
//! The byte values are those of the component model's binary format: section 1 holds a core module, section 2 core
//! instances.

const CORE_MODULE: u8 = 1;
const CORE_INSTANCE: u8 = 2;

/// The header of a core module.
pub(crate) const MODULE: &[u8] = b"\0asm\x01\0\0\0";
/// The header of a component.
pub(crate) const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// A core module with one memory that starts with `pages` of 64 KiB.
pub(crate) fn memory_module(pages: u32) -> Vec<u8> {
    let mut memory = vec![1, 0];
    number(&mut memory, pages);
    module(&[(5, memory)])
}

/// A core module with one table of functions that starts with `elements`.
pub(crate) fn table_module(elements: u32) -> Vec<u8> {
    let mut table = vec![1, 0x70, 0];
    number(&mut table, elements);
    module(&[(4, table)])
}

/// A core module whose start function loops for ever: `loop br 0 end`.
pub(crate) fn endless_start_module() -> Vec<u8> {
    let body = vec![1, 7, 0, 0x03, 0x40, 0x0c, 0x00, 0x0b, 0x0b];
    module(&[(1, vec![1, 0x60, 0, 0]), (3, vec![1, 0]), (8, vec![0]), (10, body)])
}

fn module(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut module = MODULE.to_vec();
    for (id, content) in sections {
        section(&mut module, *id, content);
    }
    module
}

/// `component` with one more core module, of which it makes `instances`.
pub(crate) fn with_module(mut component: Vec<u8>, module: &[u8], instances: u32) -> Vec<u8> {
    let index = core_modules(&component);
    section(&mut component, CORE_MODULE, module);
    let mut made = Vec::new();
    number(&mut made, instances);
    for _ in 0..instances {
        made.push(0);
        number(&mut made, index);
        made.push(0);
    }
    section(&mut component, CORE_INSTANCE, &made);
    component
}

/// How many core modules the component holds itself.
fn core_modules(component: &[u8]) -> u32 {
    let mut rest = &component[COMPONENT.len()..];
    let mut found = 0;
    while let [id, after @ ..] = rest {
        found += u32::from(*id == CORE_MODULE);
        let (len, digits) = read_number(after);
        rest = &after[digits + len..];
    }
    found
}

/// `component` with `new` wherever there is `old`, which has the same length: no size in it changes.
pub(crate) fn renamed(component: &[u8], old: &str, new: &str) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut renamed = component.to_vec();
    let mut found = 0;
    for start in 0..renamed.len() - old.len() {
        if &renamed[start..start + old.len()] == old.as_bytes() {
            renamed[start..start + old.len()].copy_from_slice(new.as_bytes());
            found += 1;
        }
    }
    assert!(found > 0, "no {old} in the component");
    renamed
}

/// One more section at the end.
pub(crate) fn raw_section(binary: &mut Vec<u8>, id: u8, content: &[u8]) {
    section(binary, id, content);
}

fn section(binary: &mut Vec<u8>, id: u8, content: &[u8]) {
    binary.push(id);
    number(binary, u32::try_from(content.len()).unwrap());
    binary.extend_from_slice(content);
}

/// LEB128, as all numbers of the format.
fn number(bytes: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn read_number(bytes: &[u8]) -> (usize, usize) {
    let mut value = 0;
    for (place, byte) in bytes.iter().enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return (value, place + 1);
        }
    }
    panic!("the number does not end");
}
