//! What was given on the command line and in the environment, as text.
//!
//! Never here: whether it is right. Values are checked in [`super::Config::load`],
//! so that every error is reported at once.

use std::collections::BTreeMap;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::definition::{Definition, Flag};
use super::flags::{FLAGS, LOG_FLAGS};

/// The flags of a command that polls.
#[derive(Debug, Clone, Default)]
pub struct Flags(Given);

/// The flags about logging, which every command has.
#[derive(Debug, Clone, Default)]
pub struct LogFlags(Given);

/// Texts by the name of their flag. What was left at its default is absent.
#[derive(Debug, Clone, Default)]
pub(super) struct Given(BTreeMap<&'static str, Vec<String>>);

impl Given {
    fn from_matches(definitions: &[&'static Definition], matches: &ArgMatches) -> Self {
        let given = definitions.iter().filter_map(|flag| {
            let source = matches.value_source(flag.name)?;
            let values: Vec<String> = matches.get_many(flag.name)?.cloned().collect();
            // An empty variable is what many deployments make of one that is not set.
            let is_unset = source == ValueSource::EnvVariable && values.iter().all(|value| value.trim().is_empty());
            (source != ValueSource::DefaultValue && !is_unset).then_some((flag.name, values))
        });
        Self(given.collect())
    }

    /// The text of a flag: what was given, or the default.
    pub(super) fn text(&self, flag: &Definition) -> Option<&str> {
        self.0.get(flag.name).and_then(|values| values.first()).map(String::as_str).or(flag.default)
    }

    /// The texts of a flag that may be given several times.
    pub(super) fn texts(&self, flag: &Definition) -> Vec<&str> {
        let given = self.0.get(flag.name).map(|values| values.iter().map(String::as_str).collect());
        let values: Vec<&str> = given.unwrap_or_else(|| flag.default.into_iter().collect());
        if flag.is_list() {
            values.into_iter().flat_map(|value| value.split(',')).map(str::trim).collect()
        } else {
            values
        }
    }
}

impl Flags {
    /// Sets a flag as if it had been given, for a command that brings its own
    /// settings.
    #[must_use]
    pub fn with<T>(mut self, flag: &Flag<T>, value: impl Into<String>) -> Self {
        self.0.0.insert(flag.definition.name, vec![value.into()]);
        self
    }

    /// Takes a flag back to its default.
    #[must_use]
    pub fn without<T>(mut self, flag: &Flag<T>) -> Self {
        self.0.0.remove(flag.definition.name);
        self
    }

    /// The text of a flag: what was given, or the default; nothing if there is
    /// neither.
    pub fn text<T>(&self, flag: &Flag<T>) -> Option<&str> {
        self.0.text(&flag.definition)
    }

    pub(super) fn given(&self) -> &Given {
        &self.0
    }
}

impl LogFlags {
    pub(super) fn given(&self) -> &Given {
        &self.0
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        command.args(FLAGS.iter().map(|flag| flag.arg()))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(Given::from_matches(FLAGS, matches)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for LogFlags {
    fn augment_args(command: Command) -> Command {
        command.args(LOG_FLAGS.iter().map(|flag| flag.arg().global(true)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for LogFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(Given::from_matches(LOG_FLAGS, matches)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
