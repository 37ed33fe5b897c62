//! What a flag is: everything about one setting, said once.
//!
//! From a definition follow the argument of the command line with its help, the
//! environment variable, the parser with its bounds, the key in the file of
//! `--config.file`, `/config` and `docs/flags.md`. Never here: which flags there
//! are; see [`super::flags`].

use clap::{Arg, ArgAction};

/// A setting whose checked value is a `T`.
#[derive(Debug)]
pub struct Flag<T: 'static> {
    /// What does not depend on the type.
    pub definition: Definition,
    /// Reads a value, or says what was expected.
    pub(super) parse: fn(&str) -> Result<T, String>,
}

/// Everything about a setting but its type.
#[derive(Debug)]
pub struct Definition {
    /// The flag, without its dashes.
    pub name: &'static str,
    /// The environment variable.
    pub variable: &'static str,
    /// What is in force when nothing is given.
    pub default: Option<&'static str>,
    /// The key of one partner's entry in `--config.file` that overrides the flag.
    /// As that file can be read again, these are the settings that a reload
    /// changes; all others are fixed at the start.
    pub file_key: Option<&'static str>,
    kind: Kind,
    value_name: &'static str,
    heading: &'static str,
    help: &'static str,
}

/// How a flag is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Once, with a value.
    Value,
    /// Several times, or once with commas.
    List,
    /// Alone, or with `=true` or `=false`.
    Switch,
}

impl<T> Flag<T> {
    /// A flag that takes one value.
    pub(super) const fn new(
        name: &'static str,
        variable: &'static str,
        value_name: &'static str,
        parse: fn(&str) -> Result<T, String>,
    ) -> Self {
        let (kind, default, file_key) = (Kind::Value, None, None);
        let definition = Definition { name, variable, default, file_key, kind, value_name, heading: "", help: "" };
        Self { definition, parse }
    }

    pub(super) const fn default(mut self, default: &'static str) -> Self {
        self.definition.default = Some(default);
        self
    }

    pub(super) const fn list(mut self) -> Self {
        self.definition.kind = Kind::List;
        self
    }

    pub(super) const fn switch(mut self) -> Self {
        self.definition.kind = Kind::Switch;
        self.definition.default = Some("false");
        self
    }

    pub(super) const fn file_key(mut self, key: &'static str) -> Self {
        self.definition.file_key = Some(key);
        self
    }

    pub(super) const fn about(mut self, heading: &'static str, help: &'static str) -> Self {
        self.definition.heading = heading;
        self.definition.help = help;
        self
    }
}

impl Definition {
    /// The flag as it is written, with its dashes.
    pub fn setting(&self) -> String {
        format!("--{}", self.name)
    }

    pub(super) fn is_switch(&self) -> bool {
        self.kind == Kind::Switch
    }

    pub(super) fn is_list(&self) -> bool {
        self.kind == Kind::List
    }

    /// The argument of the command line. It takes any text: all errors are
    /// reported together, by [`super::Config::load`].
    pub fn arg(&self) -> Arg {
        let mut arg = Arg::new(self.name)
            .long(self.name)
            .env(self.variable)
            .hide_env_values(true)
            .value_name(self.value_name)
            .help_heading(self.heading)
            .help(self.help)
            .allow_hyphen_values(true);
        arg = match self.kind {
            Kind::Value => arg,
            Kind::List => arg.action(ArgAction::Append),
            Kind::Switch => {
                arg.num_args(0..=1).require_equals(true).default_missing_value("true").hide_default_value(true)
            }
        };
        match self.default {
            Some(default) => arg.default_value(default),
            None => arg,
        }
    }
}
