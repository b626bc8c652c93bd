//! What the generated registry is made of: closed sets of values, and which of them a span or a metric carries.

/// An attribute: its key, and all that it can be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attribute {
    pub(crate) key: &'static str,
    pub(crate) values: &'static [&'static str],
    /// The sentence of the registry.
    pub(crate) brief: &'static str,
    /// What each of the values means.
    pub(crate) meanings: &'static [&'static str],
    pub(crate) category: Category,
    /// Whether a step that is not built in can influence it in a record that is sent.
    pub(crate) guest: bool,
}

/// Why something is collected, in the words of the privacy statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    Usage,
    Environment,
    Performance,
}

/// A value of a closed set, as it is sent.
pub(crate) trait ClosedSet: Copy {
    const ATTRIBUTE: Attribute;

    fn value(self) -> &'static str;

    /// The member that is sent as this text. For the gate, which reads what is about to be sent.
    fn named(value: &str) -> Option<Self>;
}

/// In which record something occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occurs {
    /// In every record.
    Always,
    /// Where every step is built in.
    Full,
    /// Where a step that is not built in was loaded.
    Minimal,
}

impl Occurs {
    pub(crate) const fn with(self, shape: Shape) -> bool {
        matches!(
            (self, shape),
            (Self::Always, _) | (Self::Full, Shape::Full) | (Self::Minimal, Shape::Minimal)
        )
    }
}

/// How much a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Full,
    Minimal,
}

/// A span or a metric.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signal {
    pub(crate) name: &'static str,
    /// Of a metric; a span has none.
    pub(crate) unit: &'static str,
    pub(crate) occurs: Occurs,
    pub(crate) attributes: &'static [(Occurs, Attribute)],
    /// The sentence of the registry.
    pub(crate) brief: &'static str,
}

impl Signal {
    /// The attributes in a record of that shape: all of them, in this order.
    pub(crate) fn attributes(&self, shape: Shape) -> impl Iterator<Item = Attribute> + use<> {
        self.attributes.iter().filter(move |(occurs, _)| occurs.with(shape)).map(|(_, attribute)| *attribute)
    }
}

/// An enum that is all an attribute can be.
macro_rules! closed_set {
    ($name:ident, $key:literal, $brief:literal, $category:ident, guest $guest:literal, { $($variant:ident = $value:literal: $about:literal,)+ }) => {
        #[doc = $brief]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = $about] $variant,)+
        }

        impl $name {
            /// All members, in the order of the registry.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// What is sent.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $value,)+
                }
            }
        }

        impl crate::closed_set::ClosedSet for $name {
            const ATTRIBUTE: crate::closed_set::Attribute = crate::closed_set::Attribute {
                key: $key,
                values: &[$($value),+],
                brief: $brief,
                meanings: &[$($about),+],
                category: crate::closed_set::Category::$category,
                guest: $guest,
            };

            fn value(self) -> &'static str {
                self.as_str()
            }

            fn named(value: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|member| member.as_str() == value)
            }
        }
    };
}

/// Classes of durations: upper bounds in seconds, and the length in milliseconds that stands for each.
macro_rules! duration_classes {
    ($name:ident { $($variant:ident: below $below:literal, length $length:literal;)+ } $last:ident: length $last_length:literal;) => {
        impl $name {
            /// Upper bounds of all classes but the last, in seconds.
            pub const BOUNDS: &'static [f64] = &[$($below as f64),+];

            /// The class of a duration.
            #[must_use]
            pub const fn of(duration: std::time::Duration) -> Self {
                match duration.as_secs() {
                    $(seconds if seconds < $below => Self::$variant,)+
                    _ => Self::$last,
                }
            }

            /// The length that is sent for every member of the class, in milliseconds.
            #[must_use]
            pub const fn length_ms(self) -> u64 {
                match self {
                    $(Self::$variant => $length,)+
                    Self::$last => $last_length,
                }
            }

            /// As [`Self::length_ms`], in seconds.
            #[must_use]
            pub const fn length_seconds(self) -> f64 {
                match self {
                    $(Self::$variant => $length as f64 / 1000.0,)+
                    Self::$last => $last_length as f64 / 1000.0,
                }
            }
        }
    };
}

/// Members that occur in a run that loaded a step that is not built in.
macro_rules! guest_members {
    ($name:ident { $($variant:ident,)+ }) => {
        impl $name {
            /// What a run that loaded a step that is not built in can say.
            pub const GUEST: &'static [Self] = &[$(Self::$variant),+];
        }
    };
}

/// A span, a metric or the resource, with the attributes that go along.
macro_rules! signal {
    ($constant:ident, $name:literal, $unit:literal, $occurs:ident, $brief:literal, { $($attribute_occurs:ident $attribute:ident,)+ }) => {
        pub(crate) const $constant: crate::closed_set::Signal = crate::closed_set::Signal {
            name: $name,
            unit: $unit,
            occurs: crate::closed_set::Occurs::$occurs,
            attributes: &[$((
                crate::closed_set::Occurs::$attribute_occurs,
                <$attribute as crate::closed_set::ClosedSet>::ATTRIBUTE,
            )),+],
            brief: $brief,
        };
    };
}

pub(crate) use {closed_set, duration_classes, guest_members, signal};
