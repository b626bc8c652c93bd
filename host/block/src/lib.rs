//! Bytes of the working file: the window that a partition is, and later the loop devices that show it
//! to the kernel.

mod window;

pub use window::{Window, WindowError};
