//! What is kept between runs: the choice of `telemetry on` and `off`, which notice was shown, how the last send went.
//!
//! One small text file that belongs to the user. Nothing in it is sent; it holds no id and no time. Whatever is wrong
//! with it counts as "off".

mod error;
mod file;

pub use error::{Error, ErrorKind};
pub use file::StateFile;

/// What the user chose with `telemetry on` or `telemetry off`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Choice {
    /// Nothing yet: the default holds.
    #[default]
    Unset,
    /// On; whoever says so needs no notice.
    On,
    /// Off.
    Off,
}

impl Choice {
    const ALL: [Self; 3] = [Self::Unset, Self::On, Self::Off];

    /// As it stands in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// What the file holds. The default is that of a machine where the program never ran.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct State {
    /// The user's choice.
    pub choice: Choice,
    /// The version of the schema that the last notice told of; 0: none was shown.
    pub notice: u32,
    /// How the last send went: a word of [`crate::transport::Sent`], perhaps of another version of this program.
    pub last: Option<String>,
}

/// The first line, so that a file of another kind is not taken for ours.
const HEADER: &str = "imagecustomizer telemetry state 1";
/// A file that is longer than this many bytes is not ours: four short lines.
const MAX_BYTES: usize = 512;
/// A word of [`State::last`] is no longer than this.
const MAX_WORD: usize = 32;

impl State {
    /// The text of the file.
    fn to_text(&self) -> String {
        let last = self.last.as_deref().filter(|word| is_word(word));
        let last = last.map(|word| format!("last {word}\n")).unwrap_or_default();
        format!("{HEADER}\nchoice {}\nnotice {}\n{last}", self.choice.as_str(), self.notice)
    }

    /// Reads exactly what [`Self::to_text`] writes; `None` for anything else.
    fn from_text(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut lines = text.strip_prefix(HEADER)?.strip_prefix('\n')?.lines();
        let choice = lines.next()?.strip_prefix("choice ")?;
        let state = Self {
            choice: Choice::ALL.into_iter().find(|known| known.as_str() == choice)?,
            notice: lines.next()?.strip_prefix("notice ")?.parse().ok()?,
            last: lines.next().and_then(|line| line.strip_prefix("last ")).map(str::to_owned),
        };
        // Other spellings of numbers, further lines and the like end here.
        (state.to_text() == text).then_some(state)
    }
}

/// Words are shown to people, so nothing that could command a terminal gets in.
fn is_word(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    (1..=MAX_WORD).contains(&word.len()) && word.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(choice: Choice, notice: u32, last: Option<&str>) -> State {
        State { choice, notice, last: last.map(str::to_owned) }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for choice in Choice::ALL {
            for last in [None, Some("delivered"), Some("timed_out")] {
                for notice in [0, 1, u32::MAX] {
                    let state = state(choice, notice, last);
                    let text = state.to_text();
                    assert!(text.len() <= MAX_BYTES, "{text}");
                    assert_eq!(State::from_text(text.as_bytes()), Some(state));
                }
            }
        }
    }

    #[test]
    fn a_last_word_that_is_none_is_not_written() {
        for word in ["", "a b", "a\nchoice on", "\u{1b}[2J", &"a".repeat(33)] {
            assert_eq!(state(Choice::Off, 1, Some(word)).to_text(), state(Choice::Off, 1, None).to_text());
        }
    }

    #[test]
    fn any_other_text_is_refused() {
        let cases = [
            "",
            "\n",
            "off\n",
            "imagecustomizer telemetry state 1",
            "imagecustomizer telemetry state 1\n",
            "imagecustomizer telemetry state 2\nchoice on\nnotice 1\n",
            "imagecustomizer telemetry state 1\nchoice on\n",
            "imagecustomizer telemetry state 1\nchoice on\nnotice 1",
            "imagecustomizer telemetry state 1\nchoice ON\nnotice 1\n",
            "imagecustomizer telemetry state 1\nchoice on \nnotice 1\n",
            "imagecustomizer telemetry state 1\nchoice on\nnotice +1\n",
            "imagecustomizer telemetry state 1\nchoice on\nnotice 01\n",
            "imagecustomizer telemetry state 1\nchoice on\nnotice -1\n",
            "imagecustomizer telemetry state 1\nchoice on\nnotice 4294967296\n",
            "imagecustomizer telemetry state 1\nnotice 1\nchoice on\n",
            "imagecustomizer telemetry state 1\r\nchoice on\r\nnotice 1\r\n",
            "imagecustomizer telemetry state 1\nchoice on\nnotice 1\nlast \n",
            "imagecustomizer telemetry state 1\nchoice on\nnotice 1\nlast A\n",
            "imagecustomizer telemetry state 1\nchoice on\nnotice 1\nid 4711\n",
            "imagecustomizer telemetry state 1\nchoice on\nnotice 1\nlast ok\nlast ok\n",
            "imagecustomizer telemetry state 1\nchoice on\nnotice 1\n\n",
        ];
        for text in cases {
            assert_eq!(State::from_text(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(State::from_text(b"\xff\xfe"), None);
    }

    #[test]
    fn no_damage_of_a_byte_turns_off_into_on() {
        let text = state(Choice::Off, 1, Some("delivered")).to_text();
        for position in 0..text.len() {
            for byte in 0..=u8::MAX {
                let mut damaged = text.clone().into_bytes();
                damaged[position] = byte;
                let read = State::from_text(&damaged);
                assert!(read.is_none_or(|state| state.choice == Choice::Off), "{position} {byte}");
            }
            assert_eq!(State::from_text(&text.as_bytes()[..position]).map(|state| state.choice), {
                // Without its last line the file is one of a program that has not sent yet.
                text[position..].starts_with("last").then_some(Choice::Off)
            });
        }
    }
}
