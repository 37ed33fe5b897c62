//! The API's closed enumerations.
//!
//! Each has the label text of its states in one table, and `parse`, which is
//! case-insensitive and returns `None` for a value nobody has seen. What to do
//! then (state `Unknown`, a count, a log line) is the decoder's decision.

use super::words::words;

macro_rules! states {
    (
        $(#[$doc:meta])*
        $name:ident { $( $(#[$vdoc:meta])* $variant:ident = $text:literal ),+ $(,)? }
        aliases { $( $alias:literal => $target:ident ),* $(,)? }
    ) => {
        words! { $(#[$doc])* $name { $( $(#[$vdoc])* $variant = $text ),+ } }

        impl $name {
            /// The state that the API means by `value`, or `None` if nobody has
            /// seen that value. White space around it and case do not matter.
            pub fn parse(value: &str) -> Option<Self> {
                let value = value.trim();
                $( if value.eq_ignore_ascii_case($text) { return Some(Self::$variant); } )+
                $( if value.eq_ignore_ascii_case($alias) { return Some(Self::$target); } )*
                None
            }
        }
    };
}

states! {
    /// `availability_status`: the one field that the documentation calls the
    /// source of truth for a channel's availability.
    Availability {
        /// Available for messaging.
        Ready = "ready",
        /// Being set up.
        SettingUp = "setting_up",
        /// Not available for messaging.
        Error = "error",
        /// Not sent, or a value nobody has seen.
        Unknown = "unknown",
    }
    aliases {}
}

states! {
    /// `current_quality_rating`: Meta's quality rating of the number.
    ///
    /// 360dialog writes `High`, `Medium`, `Low`, `NA`; Meta's own API writes
    /// the colours, and one client library saw them through 360dialog.
    QualityRating {
        /// Green.
        High = "high",
        /// Yellow.
        Medium = "medium",
        /// Red.
        Low = "low",
        /// Not rated yet.
        Na = "na",
        /// Not sent, or a value nobody has seen.
        Unknown = "unknown",
    }
    aliases { "green" => High, "yellow" => Medium, "red" => Low }
}

impl QualityRating {
    /// 3 for high, 2 for medium, 1 for low; nothing where there is no rating.
    pub const fn score(self) -> Option<u8> {
        match self {
            Self::High => Some(3),
            Self::Medium => Some(2),
            Self::Low => Some(1),
            Self::Na | Self::Unknown => None,
        }
    }
}

states! {
    /// `status`: where the channel stands in its life.
    LifecycleStatus {
        /// Created, onboarding started.
        Created = "created",
        /// Submitted to Meta, display name not verified yet.
        Unverified = "unverified",
        /// Display name verified by Meta.
        Verified = "verified",
        /// Onboarding completed.
        Ready = "ready",
        /// Transferred to another provider; 360dialog has no access.
        Transferred = "transferred",
        /// Deprecated: the channel's name was updated.
        Modified = "modified",
        /// Deprecated.
        Imported = "imported",
        /// A new display name waits for Meta's approval.
        NewNameRequested = "new_name_requested",
        /// The display name was rejected by Meta.
        CertificateDeclined = "certificate_declined",
        /// Deprecated.
        ConsentsSigned = "consents_signed",
        /// Set-up failed; the channel can't be used.
        Error = "error",
        /// Deprecated.
        PortingReady = "porting_ready",
        /// Deprecated: created to migrate a number from another provider.
        ReadyForMigration = "ready_for_migration",
        /// Deprecated: migration initiated.
        WaitingForMigrationCode = "waiting_for_migration_code",
        /// Deprecated: migration code requested.
        MigrationCodeRequested = "migration_code_requested",
        /// Deprecated: migration verified.
        MigrationVerified = "migration_verified",
        /// Deprecated: the on-premise stack must be registered again.
        Unregistered = "unregistered",
        /// 360dialog has no access to the number.
        Removed = "removed",
        /// Not sent, or a value nobody has seen.
        Unknown = "unknown",
    }
    aliases {}
}

states! {
    /// `hub_status`: deprecated upstream, and still the only field that shows
    /// [`HubStatus::PendingDeletion`].
    HubStatus {
        /// Connected.
        Live = "live",
        /// Deprecated: sandbox environment.
        Sandbox = "sandbox",
        /// Deprecated: same as live.
        Done = "done",
        /// Deprecated: an on-premise stack is being set up.
        Pending = "pending",
        /// A stack is being set up.
        Draft = "draft",
        /// The number will be terminated soon.
        PendingDeletion = "pending_deletion",
        /// Deprecated: the on-premise stack must be registered again.
        Unregistered = "unregistered",
        /// The API's own "unknown", and every value nobody has seen.
        Unknown = "unknown",
    }
    aliases {}
}

states! {
    /// `account_mode`: deprecated upstream.
    AccountMode {
        /// In real use.
        Live = "live",
        /// In the sandbox.
        Sandbox = "sandbox",
    }
    aliases {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_parsed_from_its_label_text_in_any_case() {
        for &state in LifecycleStatus::ALL {
            assert_eq!(LifecycleStatus::parse(state.as_str()), Some(state));
            let loud = format!(" {} ", state.as_str().to_uppercase());
            assert_eq!(LifecycleStatus::parse(&loud), Some(state));
        }
    }

    #[test]
    fn metas_colours_are_the_ratings_they_stand_for() {
        let parsed = ["GREEN", "Yellow", "red", "NA", "purple"].map(QualityRating::parse);
        assert_eq!(
            parsed,
            [
                Some(QualityRating::High),
                Some(QualityRating::Medium),
                Some(QualityRating::Low),
                Some(QualityRating::Na),
                None
            ]
        );
    }

    #[test]
    fn only_real_ratings_have_a_score() {
        let scores: Vec<_> = QualityRating::ALL.iter().map(|r| r.score()).collect();
        assert_eq!(scores, [Some(3), Some(2), Some(1), None, None]);
    }
}
