//! A closed list of words as an enum: each variant and its text stand in one
//! place.

/// Defines an enum of which each variant has a text, used as a label value.
macro_rules! words {
    (
        $(#[$doc:meta])*
        $name:ident { $( $(#[$vdoc:meta])* $variant:ident = $text:literal ),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $( $(#[$vdoc])* $variant ),+ }

        impl $name {
            /// Every variant, in the order of exposition.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),+ ];

            /// The texts of all variants, in the same order.
            pub const TEXTS: &'static [&'static str] = &[ $( $text ),+ ];

            /// The variant as a label value.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text ),+ }
            }
        }
    };
}

pub(crate) use words;
