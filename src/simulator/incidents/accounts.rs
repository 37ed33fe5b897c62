//! Incidents of what several channels share: the WhatsApp Business account, the business portfolio and the balance.

use std::borrow::Cow;

use jiff::Timestamp;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::channels::{change, move_limit};
use crate::simulator::fleet::Fleet;
use crate::simulator::records::{Balance, Client, Waba};

/// How many clients an incident looks at to find one that it can change.
const CANDIDATES: usize = 12;

/// Tries a change on clients drawn at random until one accepts it. The change returns whether it was made.
fn change_client(
    fleet: &mut Fleet,
    rng: &mut StdRng,
    mut change: impl FnMut(&mut Client, &mut StdRng) -> bool,
) -> bool {
    for _ in 0..CANDIDATES {
        let Some(id) = fleet.client_ids().choose(rng).cloned() else {
            return false;
        };
        let client = fleet.client_mut(&id).filter(|client| !client.channels.is_empty());
        if client.is_some_and(|client| change(client, rng)) {
            return true;
        }
    }
    false
}

/// Sets the status of an account, if it is one of these.
fn set_status(waba: &mut Waba, from: &[&str], to: &'static str) -> bool {
    let applies = from.contains(&&*waba.status);
    if applies {
        waba.overrides.remove("status");
        waba.status = Cow::Borrowed(to);
    }
    applies
}

/// Sets the state of the verification, if it is one of these.
fn set_verification(waba: &mut Waba, from: &[&str], to: &'static str) -> bool {
    let applies = from.contains(&&*waba.fb_account_status);
    if applies {
        waba.overrides.remove("fb_account_status");
        waba.fb_account_status = Cow::Borrowed(to);
    }
    applies
}

/// Meta bans an account. Its channels go on saying that they are ready.
pub(super) fn account_is_banned(fleet: &mut Fleet, rng: &mut StdRng, _: Timestamp) -> bool {
    change_client(fleet, rng, |client, _| set_status(&mut client.waba, &["approved", "restricted"], "banned"))
}

/// Meta restricts an account.
pub(super) fn account_is_restricted(fleet: &mut Fleet, rng: &mut StdRng, _: Timestamp) -> bool {
    change_client(fleet, rng, |client, _| set_status(&mut client.waba, &["approved"], "restricted"))
}

/// An account may send again.
pub(super) fn account_is_reinstated(fleet: &mut Fleet, rng: &mut StdRng, _: Timestamp) -> bool {
    change_client(fleet, rng, |client, _| set_status(&mut client.waba, &["banned", "restricted"], "approved"))
}

/// Meta does not accept the business any more.
pub(super) fn verification_is_rejected(fleet: &mut Fleet, rng: &mut StdRng, _: Timestamp) -> bool {
    change_client(fleet, rng, |client, _| set_verification(&mut client.waba, &["verified"], "rejected"))
}

/// The business is asked for documents, and then verified.
pub(super) fn verification_succeeds(fleet: &mut Fleet, rng: &mut StdRng, _: Timestamp) -> bool {
    change_client(fleet, rng, |client, _| {
        set_verification(&mut client.waba, &["pending"], "verified")
            || set_verification(&mut client.waba, &["rejected"], "pending")
    })
}

/// The limit that all numbers of a portfolio share goes one tier down.
pub(super) fn portfolio_limit_falls(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    move_portfolio_limit(fleet, rng, at, -1)
}

/// The limit that all numbers of a portfolio share goes one tier up.
pub(super) fn portfolio_limit_rises(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    move_portfolio_limit(fleet, rng, at, 1)
}

fn move_portfolio_limit(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp, steps: isize) -> bool {
    let client = fleet.client_ids().choose(rng).and_then(|id| fleet.client(id));
    let Some(portfolio) = client.map(|client| client.waba.fb_business_id) else {
        return false;
    };
    let mut moved = false;
    for id in fleet.portfolio(portfolio) {
        if let Some(channel) = fleet.channel_mut(&id)
            && move_limit(channel, steps)
        {
            channel.overrides.remove("modified_at");
            channel.modified_at = at;
            moved = true;
        }
    }
    moved
}

/// A number is also used in the WhatsApp Business app, or no longer.
pub(super) fn business_app_is_connected(fleet: &mut Fleet, rng: &mut StdRng, at: Timestamp) -> bool {
    change(fleet, rng, at, |channel, _| {
        let applies = channel.is_running();
        if applies {
            channel.overrides.remove("is_on_biz_app");
            channel.is_on_biz_app = !channel.is_on_biz_app;
        }
        applies
    })
}

/// Messages cost money: most of the balance is spent, and at last all of it.
fn spend(balance: &mut Balance) -> bool {
    let applies = balance.cents > 0;
    if applies {
        balance.response = None;
        balance.cents = if balance.cents < 500 { 0 } else { balance.cents / 3 };
    }
    applies
}

fn top_up(balance: &mut Balance, cents: i64) -> bool {
    let applies = balance.cents < 2_000;
    if applies {
        balance.response = None;
        balance.cents += cents;
    }
    applies
}

/// A client's balance runs out.
pub(super) fn client_balance_falls(fleet: &mut Fleet, rng: &mut StdRng, _: Timestamp) -> bool {
    change_client(fleet, rng, |client, _| spend(&mut client.balance))
}

/// A client pays.
pub(super) fn client_balance_is_topped_up(fleet: &mut Fleet, rng: &mut StdRng, _: Timestamp) -> bool {
    change_client(fleet, rng, |client, rng| {
        let cents = rng.random_range(5_000..50_000);
        top_up(&mut client.balance, cents)
    })
}

/// The partner's balance in one currency runs out.
pub(super) fn partner_balance_falls(fleet: &mut Fleet, rng: &mut StdRng, _: Timestamp) -> bool {
    let applies = !fleet.partner_balances.is_empty();
    if applies {
        let nth = rng.random_range(0..fleet.partner_balances.len());
        fleet.partner_balance_response = None;
        return fleet.partner_balances.get_mut(nth).is_some_and(spend);
    }
    false
}

/// The partner pays.
pub(super) fn partner_balance_is_topped_up(fleet: &mut Fleet, rng: &mut StdRng, _: Timestamp) -> bool {
    let cents = rng.random_range(100_000..2_000_000);
    fleet.partner_balances.iter_mut().any(|balance| top_up(balance, cents))
}
