//! The contract: what the service relies on, whoever keeps the members. One suite, run against the database and against each
//! stand-in.

use crate::{Fault, Member, Members};

fn member(email: &str, name: &str) -> Member {
    Member { email: email.to_owned(), name: name.to_owned() }
}

/// What these members, empty at first, do not keep of the contract. Nothing is good.
///
/// It speaks to the trait alone, so it cannot know whom it tests.
pub async fn broken(members: &dyn Members) -> Vec<&'static str> {
    let mut broken = Vec::new();
    let mut holds = |rule, holds: bool| {
        if !holds {
            broken.push(rule);
        }
    };
    holds("at first there is nobody", members.list().await == Ok(Vec::new()));
    holds("who is added is found", {
        let added = members.add(member("ada@example.org", "Ada")).await;
        added.is_ok() && members.find("ada@example.org").await == Ok(Some(member("ada@example.org", "Ada")))
    });
    holds("who was not added is not found", members.find("eve@example.org").await == Ok(None));
    // ANCHOR: contract
    holds("an address is taken once", {
        members.add(member("ada@example.org", "Eve")).await == Err(Fault::Taken)
    });
    holds("an address is the same in capitals", {
        let found = members.find("ADA@example.org").await;
        members.add(member("ADA@example.org", "Eve")).await == Err(Fault::Taken)
            && found.is_ok_and(|m| m.is_some())
    });
    holds("letters beyond A to Z keep their case", {
        let (small, capital) = (member("é@example.org", "Émile"), member("É@example.org", "Élise"));
        members.add(small).await.is_ok() && members.add(capital).await.is_ok()
    });
    // ANCHOR_END: contract
    holds("a refusal changes nothing", {
        members.find("ada@example.org").await.is_ok_and(|found| found.is_some_and(|ada| ada.name == "Ada"))
    });
    holds("the list is in the order of addresses, whatever their case", {
        let added = members.add(member("Ben@example.org", "Ben")).await;
        let list = members.list().await.unwrap_or_default();
        let first: Vec<_> = list.iter().take(2).map(|member| member.email.as_str()).collect();
        added.is_ok() && first == ["ada@example.org", "Ben@example.org"]
    });
    broken
}
