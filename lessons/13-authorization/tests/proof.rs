//! Proves lesson 13: every variant serves owners and staff; what a stranger reads, learns and cancels differs.

#![expect(clippy::unwrap_used, reason = "a proof that cannot be set up has failed")]

use authorization::{A_TYPING_ERROR, ANOTHERS_ORDER, LESSON, right, users};
use axum::{
    body::Body,
    http::{Method, Request, header},
};
use lab::{Controls, Experiment, Probes, Report, Run};
use tower::ServiceExt as _;

fn run(experiment: &'static Experiment, variant: &str) -> Report {
    let controls = experiment.controls([]).unwrap();
    Run::of(&LESSON, experiment, *experiment.variant(variant).unwrap(), controls).report()
}

fn statuses(report: &Report) -> Vec<u16> {
    report.exchanges().iter().map(|exchange| exchange.status.unwrap()).collect()
}

#[test]
fn every_variant_serves_owners_and_keeps_strangers_without_a_token_out() {
    for variant in ANOTHERS_ORDER.variants {
        let seen = statuses(&run(&ANOTHERS_ORDER, variant.name));
        assert_eq!(
            [seen[0], seen[1], seen[2], seen[9], seen[13]],
            [200, 200, 200, 403, 401],
            "{}",
            variant.name
        );
    }
}

#[test]
fn a_role_alone_lets_eve_read_list_count_and_cancel_what_is_not_hers() {
    let report = run(&ANOTHERS_ORDER, "role-only");

    let exchanges = report.exchanges();
    assert_eq!(exchanges[3].body["owner"], "ada");
    assert_eq!(exchanges[5].body.as_array().unwrap().len(), 3);
    assert_eq!(exchanges[6].body, 3);
    assert_eq!(statuses(&report)[7..9], [204, 404]);
    assert_eq!(exchanges[14].status, Some(404));
    assert!(!report.verdict.holds);
}

#[test]
fn a_check_after_the_fetch_refuses_the_cancellation_that_it_has_made() {
    let report = run(&ANOTHERS_ORDER, "check-after-fetch");

    assert_eq!(statuses(&report)[3..5], [403, 404]);
    assert_eq!(report.exchanges()[6].body, 3);
    assert_eq!(statuses(&report)[7..9], [403, 404]);
    assert!(!report.verdict.holds);
}

#[test]
fn an_owner_in_the_statement_makes_anothers_order_no_order_at_all() {
    let report = run(&ANOTHERS_ORDER, "owner-in-the-query");

    assert_eq!(
        statuses(&report),
        [200, 200, 200, 404, 404, 200, 200, 404, 200, 403, 200, 403, 204, 401, 401]
    );
    report.assert_holds();
}

#[test]
fn a_layer_asks_for_a_login_where_nothing_is_and_a_route_layer_does_not() {
    assert_eq!(statuses(&run(&A_TYPING_ERROR, "layer")), [401, 401, 404]);

    let report = run(&A_TYPING_ERROR, "route-layer");
    assert_eq!(statuses(&report), [401, 404, 404]);
    report.assert_holds();
}

/// Every principal at every route. A new role or a new route has to be written down here.
#[tokio::test]
async fn every_principal_at_every_route_gets_what_this_table_says() {
    let principals =
        [None, Some(users::GONE), Some(users::EVE), Some(users::ADA), Some(users::SAM), Some(users::RUTH)];
    let routes = [
        (Method::GET, "/orders"),
        (Method::GET, "/orders/count"),
        (Method::GET, "/orders/1"),
        (Method::GET, "/orders/99"),
        (Method::DELETE, "/orders/1"),
        (Method::DELETE, "/orders/99"),
        (Method::PUT, "/orders/1"),
        (Method::GET, "/report"),
        (Method::GET, "/nowhere"),
    ];
    let mut table = String::from("                    nobody  gone  stranger  owner  support  admin\n");
    for (method, path) in routes {
        let mut cells = Vec::new();
        for principal in principals {
            // A service of its own for each cell: a cancelled order must not count for the next.
            let service = right::owner_in_the_query(Probes::new(Controls::default())).await;
            let mut request = Request::builder().method(&method).uri(path);
            if let Some(name) = principal {
                request = request.header(header::AUTHORIZATION, format!("Bearer {name}"));
            }
            let answer = service.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            cells.push(answer.status().as_u16());
        }
        let [nobody, gone, stranger, owner, support, admin] = cells[..] else { panic!("six principals") };
        let route = format!("{method} {path}");
        table +=
            &format!("{route:<19} {nobody:<7} {gone:<5} {stranger:<9} {owner:<6} {support:<8} {admin}\n");
    }
    insta::assert_snapshot!(table, @r"
                        nobody  gone  stranger  owner  support  admin
    GET /orders         401     401   200       200    200      200
    GET /orders/count   401     401   200       200    200      200
    GET /orders/1       401     401   404       200    200      200
    GET /orders/99      401     401   404       404    404      404
    DELETE /orders/1    401     401   404       204    403      204
    DELETE /orders/99   401     401   404       404    404      404
    PUT /orders/1       401     401   405       405    405      405
    GET /report         401     401   403       403    200      200
    GET /nowhere        404     404   404       404    404      404
    ");
}
