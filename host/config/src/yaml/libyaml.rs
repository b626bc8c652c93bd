//! The one place that calls libyaml (translated to Rust by the YAML organization): bytes → events.
//!
//! What comes out is owned and safe; no pointer leaves this module.
#![expect(unsafe_code, reason = "libyaml-rs keeps the C interface; this module wraps it")]

use std::ffi::CStr;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::raw::c_char;

use libyaml_rs as sys;

use crate::source::Position;

/// One step of the parse: what was found, and where it starts and ends.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) kind: EventKind,
    pub(super) start: Position,
    pub(super) end: Position,
}

#[derive(Debug)]
pub(super) enum EventKind {
    StreamStart,
    StreamEnd,
    /// The numbers of a `%YAML` line, if there is one.
    DocumentStart(Option<(i32, i32)>),
    DocumentEnd,
    Alias(String),
    Scalar {
        anchor: Option<String>,
        tag: Option<String>,
        text: String,
        style: ScalarStyle,
    },
    SequenceStart {
        anchor: Option<String>,
        tag: Option<String>,
        flow: bool,
    },
    SequenceEnd,
    MappingStart {
        anchor: Option<String>,
        tag: Option<String>,
        flow: bool,
    },
    MappingEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScalarStyle {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Block,
}

/// What a token is, as far as the end of a document is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// The end of a block, which has no text of its own.
    BlockEnd,
    StreamEnd,
    Other,
}

/// Why the text is not YAML.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) problem: String,
    pub(super) at: Position,
    /// Where it is, in bytes, when the characters themselves are wrong; `at` is unset then.
    pub(super) offset: Option<usize>,
    /// What was being read when it happened, and since where.
    pub(super) context: Option<(String, Position)>,
}

/// An event parser over `'a` bytes of UTF-8.
pub(super) struct Parser<'a> {
    /// Boxed: libyaml keeps a pointer from the parser to itself.
    raw: Box<MaybeUninit<sys::yaml_parser_t>>,
    input: PhantomData<&'a [u8]>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(input: &'a [u8]) -> Result<Self, SyntaxError> {
        let mut raw = Box::new(MaybeUninit::<sys::yaml_parser_t>::uninit());
        let parser = raw.as_mut_ptr();
        // SAFETY: `parser` points to writable memory of the right size; initialize fills it wholly.
        if unsafe { sys::yaml_parser_initialize(parser) }.fail {
            return Err(SyntaxError {
                problem: "out of memory".to_owned(),
                at: Position::default(),
                offset: None,
                context: None,
            });
        }
        // SAFETY: the parser was initialized just now and stays at this address (it is boxed and the
        // box never gives it away); `input` outlives it by the lifetime `'a`.
        unsafe {
            sys::yaml_parser_set_encoding(parser, sys::YAML_UTF8_ENCODING);
            sys::yaml_parser_set_input_string(parser, input.as_ptr(), input.len() as u64);
        }
        Ok(Self { raw, input: PhantomData })
    }

    /// The next event; after an error the parser must not be asked again.
    pub(super) fn next(&mut self) -> Result<Event, SyntaxError> {
        let mut event = MaybeUninit::<sys::yaml_event_t>::uninit();
        // SAFETY: the parser is initialized (by `new`); `event` is writable and is filled when the
        // call succeeds.
        if unsafe { sys::yaml_parser_parse(self.raw.as_mut_ptr(), event.as_mut_ptr()) }.fail {
            return Err(self.error());
        }
        // SAFETY: the call succeeded, so the event is initialized; its union member is the one its
        // type names, and its strings are NUL-terminated or carry their length. It is deleted once,
        // after everything was copied out of it.
        unsafe {
            let raw = event.assume_init_ref();
            let kind = copy_event(raw);
            let (start, end) = (position(raw.start_mark), position(raw.end_mark));
            sys::yaml_event_delete(event.as_mut_ptr());
            Ok(Event { kind, start, end })
        }
    }

    /// Reads the next token, the level below events: says where it starts, and as much of its
    /// kind as the end of a document needs. A parser gives either events or tokens, never both.
    pub(super) fn token(&mut self) -> Result<(Position, TokenKind), SyntaxError> {
        let mut token = MaybeUninit::<sys::yaml_token_t>::uninit();
        // SAFETY: the parser is initialized (by `new`); `token` is writable and is filled when the
        // call succeeds.
        if unsafe { sys::yaml_parser_scan(self.raw.as_mut_ptr(), token.as_mut_ptr()) }.fail {
            return Err(self.error());
        }
        // SAFETY: the call succeeded, so the token is initialized; it is deleted once.
        unsafe {
            let raw = token.assume_init_ref();
            let kind = match raw.type_ {
                sys::YAML_BLOCK_END_TOKEN => TokenKind::BlockEnd,
                sys::YAML_STREAM_END_TOKEN => TokenKind::StreamEnd,
                _ => TokenKind::Other,
            };
            let start = position(raw.start_mark);
            sys::yaml_token_delete(token.as_mut_ptr());
            Ok((start, kind))
        }
    }

    fn error(&self) -> SyntaxError {
        // SAFETY: the parser is initialized; problem and context are null or static C strings.
        unsafe {
            let raw = self.raw.assume_init_ref();
            let problem = text(raw.problem.cast()).unwrap_or_else(|| "cannot be read".to_owned());
            let context = text(raw.context.cast()).map(|context| (context, position(raw.context_mark)));
            let offset = match raw.error {
                sys::YAML_READER_ERROR => usize::try_from(raw.problem_offset).ok(),
                _ => None,
            };
            SyntaxError { problem, at: position(raw.problem_mark), offset, context }
        }
    }
}

impl Drop for Parser<'_> {
    fn drop(&mut self) {
        // SAFETY: initialized in `new`, deleted only here.
        unsafe { sys::yaml_parser_delete(self.raw.as_mut_ptr()) }
    }
}

fn position(mark: sys::yaml_mark_t) -> Position {
    let from_one = |n: u64| u32::try_from(n).unwrap_or(u32::MAX - 1).saturating_add(1);
    Position { line: from_one(mark.line), column: from_one(mark.column) }
}

/// # Safety
/// `pointer` is null or points to a NUL-terminated string.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: by the contract of this function.
    Some(unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}

/// Copies what an event holds.
///
/// # Safety
/// `event` was filled by a successful call of the parser.
unsafe fn copy_event(event: &sys::yaml_event_t) -> EventKind {
    // SAFETY: the type names the union member that is initialized; strings are null or
    // NUL-terminated; a scalar's value has `length` bytes.
    unsafe {
        match event.type_ {
            sys::YAML_STREAM_START_EVENT => EventKind::StreamStart,
            sys::YAML_DOCUMENT_START_EVENT => {
                let version = event.data.document_start.version_directive.as_ref();
                EventKind::DocumentStart(version.map(|version| (version.major, version.minor)))
            }
            sys::YAML_DOCUMENT_END_EVENT => EventKind::DocumentEnd,
            sys::YAML_ALIAS_EVENT => {
                EventKind::Alias(text(event.data.alias.anchor.cast()).unwrap_or_default())
            }
            sys::YAML_SCALAR_EVENT => copy_scalar(event),
            sys::YAML_SEQUENCE_START_EVENT => {
                let data = &event.data.sequence_start;
                let flow = data.style == sys::YAML_FLOW_SEQUENCE_STYLE;
                EventKind::SequenceStart {
                    anchor: text(data.anchor.cast()),
                    tag: text(data.tag.cast()),
                    flow,
                }
            }
            sys::YAML_SEQUENCE_END_EVENT => EventKind::SequenceEnd,
            sys::YAML_MAPPING_START_EVENT => {
                let data = &event.data.mapping_start;
                let flow = data.style == sys::YAML_FLOW_MAPPING_STYLE;
                EventKind::MappingStart { anchor: text(data.anchor.cast()), tag: text(data.tag.cast()), flow }
            }
            sys::YAML_MAPPING_END_EVENT => EventKind::MappingEnd,
            _ => EventKind::StreamEnd,
        }
    }
}

/// # Safety
/// `event` is a scalar event filled by a successful call of the parser.
unsafe fn copy_scalar(event: &sys::yaml_event_t) -> EventKind {
    // SAFETY: by the contract; the value has `length` bytes and is never null.
    unsafe {
        let data = &event.data.scalar;
        let length = usize::try_from(data.length).unwrap_or(0);
        let bytes = std::slice::from_raw_parts(data.value.cast_const(), length);
        let style = match data.style {
            sys::YAML_SINGLE_QUOTED_SCALAR_STYLE => ScalarStyle::SingleQuoted,
            sys::YAML_DOUBLE_QUOTED_SCALAR_STYLE => ScalarStyle::DoubleQuoted,
            sys::YAML_LITERAL_SCALAR_STYLE | sys::YAML_FOLDED_SCALAR_STYLE => ScalarStyle::Block,
            _ => ScalarStyle::Plain,
        };
        EventKind::Scalar {
            anchor: text(data.anchor.cast()),
            tag: text(data.tag.cast()),
            text: String::from_utf8_lossy(bytes).into_owned(),
            style,
        }
    }
}
