"""Whole small runs: plain, healed, refused."""
from tests.graph.engine.conftest import Bench, lost_reply, lost_request, status

AWARD = """
steps:
  member: {call: shop.members.ensure, with: {email: "${{ inputs.email }}"}}
  award:
    call: shop.awards.create
    with: {contact: "${{ steps.member.output.uuid }}", credits: "${{ inputs.credits }}"}
outputs: {award: "${{ steps.award.output.uuid }}"}
"""

async def test_x(bench: Bench) -> None:
    bench.vendor.doom("awards.create", status(429, retry_after="2"), lost_request, lost_reply)
    result = await bench.run(AWARD)
    print(result)
    print(bench.waits, bench.vendor.asked)
    for e in await bench.events(result.run_id):
        print(e.seq, e.kind, e.key, str(e.body)[:300])
    r = await bench.replay(result.run_id, AWARD)
    print(r.divergence)
    assert 0
