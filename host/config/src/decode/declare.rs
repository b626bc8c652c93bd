//! The macro that declares a mapping.

/// Declares a mapping: the struct and everything the decoder, the schema and the history need.
macro_rules! record {
    (
        $(#[doc = $doc:literal])+
        $vis:vis struct $name:ident {
            $( $(#[doc = $field_doc:literal])+ $key:literal $([$($flag:ident),+])? $field:ident : $ty:ty, )+
        }
        $($extra:tt)*
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Default)]
        $vis struct $name {
            /// Where the mapping stands.
            pub at: $crate::source::Span,
            $( $(#[doc = $field_doc])+ pub $field: $ty, )+
        }

        impl $name {
            const FIELDS: &'static [$crate::decode::Field] = &[
                $( $crate::decode::Field {
                    key: $key,
                    description: &[$($field_doc),+],
                    flags: {
                        #[allow(unused_mut, reason = "fields without flags change nothing")]
                        let mut flags = $crate::decode::Flags {
                            redacted: false, digest: false, host_path: false,
                            present: false, nullable: false, unadvertised: false, computed: false, required: false,
                        };
                        $( $( flags.$flag = true; )+ )?
                        flags
                    },
                }, )+
            ];
        }

        /// Secret fields are masked.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut shown = f.debug_struct(stringify!($name));
                let mut fields = Self::FIELDS.iter();
                $(
                    match fields.next() {
                        Some(field) if !field.flags.is_secret() => shown.field($key, &self.$field),
                        _ => shown.field($key, &format_args!("{}", $crate::history::REDACTED)),
                    };
                )+
                shown.finish()
            }
        }

        impl $crate::decode::Record for $name {
            fn fields(&self) -> &'static [$crate::decode::Field] {
                Self::FIELDS
            }
            fn field(&self, index: usize) -> Option<&dyn $crate::decode::Value> {
                let fields: &[&dyn $crate::decode::Value] = &[$( &self.$field ),+];
                fields.get(index).copied()
            }
            fn field_mut(&mut self, index: usize) -> Option<&mut dyn $crate::decode::Value> {
                let fields: Vec<&mut dyn $crate::decode::Value> = vec![$( &mut self.$field ),+];
                fields.into_iter().nth(index)
            }
            fn at(&self) -> $crate::source::Span {
                self.at
            }
            fn set_at(&mut self, at: $crate::source::Span) {
                self.at = at;
            }
            $($extra)*
        }

        impl $crate::decode::Value for $name {
            fn decode(
                &mut self,
                id: $crate::yaml::NodeId,
                decoder: &mut $crate::decode::Decoder<'_>,
            ) -> bool {
                $crate::decode::decode_record(self, id, decoder)
            }
            fn used(&self, path: &str, out: &mut Vec<$crate::decode::UsedField>) {
                $crate::decode::used_record(self, path, out);
            }
            fn history(
                &self,
                _flags: $crate::decode::Flags,
                writer: &mut $crate::history::HistoryWriter<'_>,
            ) -> Option<serde_json::Value> {
                Some($crate::decode::history_record(self, writer))
            }
            fn schema(definitions: &mut $crate::schema::Definitions) -> serde_json::Value {
                definitions.reference(stringify!($name), |definitions| {
                    let schemas = vec![$( <$ty as $crate::decode::Value>::schema(definitions) ),+];
                    let mapping =
                        $crate::decode::schema_record(stringify!($name), &[$($doc),+], Self::FIELDS, schemas);
                    match $crate::decode::Record::has_shorthand(&Self::default()) {
                        true => serde_json::json!({ "anyOf": [{ "type": "string" }, mapping] }),
                        false => mapping,
                    }
                })
            }
        }
    };
}

pub(crate) use record;
