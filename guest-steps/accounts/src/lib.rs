//! The account databases of an image: `/etc/passwd`, `/etc/shadow`, `/etc/group`, `/etc/gshadow`, the subordinate ID
//! files and the defaults for new accounts, edited as Debian's `useradd`, `groupadd` and `usermod` (4.13) edit them.
//!
//! A file is a list of lines. A line that nothing is asked of is never rewritten, whatever it holds. No backup files
//! (`passwd-`) and no lock files are left: they are traces of a running system, and nobody else writes to the image.

mod defaults;
mod groups;
mod ids;
mod name;
mod passwd;
mod shadow;
mod subordinate;
mod table;

pub use defaults::{LoginDefs, NewUserDefaults};
pub use groups::{Groups, Unshadowed};
pub use ids::{Range, allocate};
pub use name::{check_field, check_group_name, check_user_name};
pub use passwd::{Passwd, User};
pub use shadow::{Aging, Shadow};
pub use subordinate::SubordinateIds;
pub use table::Table;
