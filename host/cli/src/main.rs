//! The `imagecustomizer` command.
fn main() {}
