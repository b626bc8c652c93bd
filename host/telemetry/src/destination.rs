//! Where the payload goes.
