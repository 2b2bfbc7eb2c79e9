"""Deletions from the journal: who may write, what is on disk when, who has a slot, what a record serves."""

import pytest

from tests.mutations.trial import Laboratory, Mutation

CLAIMS, OWNERSHIP, TABLES, STORE, OPENING, HOME, TAPE, REPLAY, VAULT = (
    f"journal/{name}.py"
    for name in ("claims", "ownership", "tables", "sqlite", "opening", "home", "tape", "replay", "vault")
)
OF_CLAIMS, OF_OWNERSHIP, OF_TABLES, OF_STORE, OF_BROKEN, OF_HOME, OF_TAPE, OF_REPLAY, OF_VAULT = (
    f"tests/journal/test_{name}.py"
    for name in ("claims", "ownership", "tables", "sqlite", "broken", "home", "tape", "replay", "vault")
)
MUTATIONS = (
    Mutation(
        "a commit is not on disk",
        OPENING,
        "PRAGMA synchronous = FULL",
        "PRAGMA synchronous = OFF",
        (f"{OF_STORE}::test_events_come_back_as_they_were_written",),
    ),
    Mutation(
        "whether commits reach the disk is not verified",
        OPENING,
        'if (mode, level) != ("wal", _FULL):',
        "if False:",
        (f"{OF_BROKEN}::test_a_file_system_that_cannot_share_memory_is_refused",),
    ),
    Mutation(
        "a journal that is missing is begun anew",
        OPENING,
        "        if left.exists():\n",
        "        if False:\n",
        (f"{OF_BROKEN}::test_a_missing_journal_is_not_begun_anew",),
    ),
    Mutation(
        "a home that has lost its journal gets a new one",
        HOME,
        "        if locked:\n",
        "        if False:\n",
        (OF_HOME,),
    ),
    Mutation(
        "a journal that forgot what it promised is believed",
        OPENING,
        "    if last < promised:\n",
        "    if False:\n",
        (f"{OF_BROKEN}::test_an_older_copy_is_seen",),
    ),
    Mutation(
        "a journal that was removed goes on promising",
        OPENING,
        "if self._found() != self._files:",
        "if False:",
        (f"{OF_BROKEN}::test_a_journal_that_was_removed_promises_nothing",),
    ),
    Mutation(
        "another application's database becomes a journal",
        OPENING,
        "if kind != APPLICATION_ID:",
        "if False:",
        (f"{OF_BROKEN}::test_another_application_keeps_its_file",),
    ),
    Mutation(
        "a slot is promised before its intent is committed",
        STORE,
        "return _Outcome(job, job.work(tables))",
        "outcome = _Outcome(job, job.work(tables))\n"
        "                if job.done is not None:\n"
        "                    job.done.get_loop().call_soon_threadsafe(_tell, [outcome])\n"
        "                return outcome",
        (f"{OF_STORE}::test_nothing_is_promised_before_its_commit",),
    ),
    Mutation(
        "an old owner writes on",
        OWNERSHIP,
        "if epoch != present:",
        "if False:",
        (OF_OWNERSHIP,),
    ),
    Mutation(
        "a takeover begins no new epoch",
        OWNERSHIP,
        "return present + 1",
        "return present",
        (OF_OWNERSHIP,),
    ),
    Mutation(
        "an effect changes whichever run holds it",
        OWNERSHIP,
        "if holder != run_id:",
        "if False:",
        (OF_OWNERSHIP,),
    ),
    Mutation(
        "a done effect changes in the journal",
        OWNERSHIP,
        'if state == "done" or version <= last:',
        "if version <= last:",
        (OF_OWNERSHIP,),
    ),
    Mutation(
        "an effect goes back to an older version",
        OWNERSHIP,
        'if state == "done" or version <= last:',
        'if state == "done":',
        (OF_OWNERSHIP,),
    ),
    Mutation(
        "the tables do not ask whether the writer owns the run",
        TABLES,
        "        admit_writer(owner.run_id, owner.epoch, present)\n",
        "",
        (OF_TABLES,),
    ),
    Mutation(
        "the tables do not ask who holds the effect",
        TABLES,
        "            admit_change(owner.run_id, change.slot, held.run_id if held else None)\n",
        "",
        (OF_TABLES,),
    ),
    Mutation(
        "the tables do not ask whether the effect goes forward",
        TABLES,
        "        admit_version(effect.slot, before, effect.version)\n",
        "",
        (OF_TABLES,),
    ),
    Mutation(
        "a slot is chosen without seeing who has it",
        TABLES,
        "choice = choose(held)",
        "choice = choose(None)",
        (OF_TABLES,),
    ),
    Mutation(
        "an intent is written without its effect",
        TABLES,
        "        if choice.effect is not None:\n",
        "        if False:\n",
        (OF_TABLES,),
    ),
    Mutation(
        "a failed transaction leaves its first half",
        TABLES,
        'self._db.execute("ROLLBACK")',
        'self._db.execute("COMMIT")',
        (OF_TABLES,),
    ),
    Mutation(
        "a failed part leaves its first half",
        TABLES,
        'self._db.execute("ROLLBACK TO part")',
        "pass",
        (OF_TABLES,),
    ),
    Mutation(
        "a commit that failed counts as written",
        STORE,
        "            return [self._failed(job, failure, is_lost=True) for job in batch]",
        "            return [_Outcome(job) for job in batch]",
        (f"{OF_STORE}::test_a_failed_commit_fails_everyone_in_it",),
    ),
    Mutation(
        "a run writes on after a write of it was lost",
        STORE,
        "if job.owner in self._failures:",
        "if False:",
        (f"{OF_STORE}::test_a_failed_commit_fails_everyone_in_it",),
    ),
    Mutation(
        "a run is taken over while its owner lives",
        HOME,
        "is_ours = _try_to_lock(descriptor)",
        "is_ours = True",
        (f"{OF_HOME}::test_a_lock_is_held_once",),
    ),
    Mutation(
        "a living owner is taken for dead",
        HOME,
        "return not _try_to_lock(descriptor)",
        "return False",
        (f"{OF_HOME}::test_a_refused_owner_leaves_the_lock",),
    ),
    Mutation(
        "other arguments are sent under the same key",
        CLAIMS,
        "if held.effect.digest != effect_digest(want.request):",
        "if False:",
        (OF_CLAIMS,),
    ),
    Mutation(
        "a home whose traces outlived its journal gets a new one",
        HOME,
        "if traced and not self.mark.exists():",
        "if False:",
        (OF_HOME,),
    ),
    Mutation(
        "a slot that another run holds is taken",
        CLAIMS,
        'if held.effect.state == "planned" or is_ours:',
        "if True:",
        (OF_CLAIMS,),
    ),
    Mutation(
        "a slot that another step holds is taken",
        CLAIMS,
        "is_ours = held.run_id == want.run_id and held.path == want.path",
        "is_ours = held.run_id == want.run_id",
        (OF_CLAIMS,),
    ),
    Mutation(
        "a done effect is sent again",
        CLAIMS,
        '    if held.effect.state == "done":\n',
        "    if False:\n",
        (OF_CLAIMS,),
    ),
    Mutation(
        "a refused slot is never free again",
        CLAIMS,
        'if held is None or held.effect.state == "refused":',
        "if held is None:",
        (OF_CLAIMS,),
    ),
    Mutation(
        "a fresh effect begins its versions anew",
        CLAIMS,
        "_fresh(want, held.effect.version + 1 if held else 0)",
        "_fresh(want, 0)",
        (OF_CLAIMS,),
    ),
    Mutation(
        "the budget of effects is not asked",
        CLAIMS,
        "        if want.beyond:\n",
        "        if False:\n",
        (OF_CLAIMS,),
    ),
    Mutation(
        "an effect that another run planned goes beyond the budget",
        CLAIMS,
        'if held.effect.state == "planned" and want.beyond and not is_ours:',
        "if False:",
        (OF_CLAIMS,),
    ),
    Mutation(
        "a recorded call is made again",
        TAPE,
        "return await perform() if secret else known",
        "return await perform()",
        (OF_TAPE,),
    ),
    Mutation(
        "what a call brought is not recorded",
        TAPE,
        '        await self._store.append(self._owner, self._event("fact_recorded", key, fact_body(request, value)))\n',
        "",
        (OF_TAPE,),
    ),
    Mutation(
        "a recorded intent is written again",
        TAPE,
        "if call in self._recorded.intents:",
        "if False:",
        (OF_TAPE,),
    ),
    Mutation(
        "a recorded decision is taken again",
        TAPE,
        "        if known is not None:\n            return known\n        decision = compute()",
        "        decision = compute()",
        (OF_TAPE,),
    ),
    Mutation(
        "a decision leaves its effect as it was",
        TAPE,
        "self._store.post(self._owner, event, change=change(decision))",
        "self._store.post(self._owner, event)",
        (OF_TAPE,),
    ),
    Mutation(
        "an open intent is not seen",
        TAPE,
        "return [key for key in self.intents if key not in self.facts]",
        "return []",
        (OF_TAPE,),
    ),
    Mutation(
        "a parked step counts as resumed in the process that parked it",
        TAPE,
        "return not keys.isdisjoint(self._known_before)",
        "return not keys.isdisjoint(self._known_before | self._recorded.decisions.keys())",
        (OF_TAPE,),
    ),
    Mutation(
        "a replay takes recorded verdicts for its own",
        REPLAY,
        'self._compare(key, self._recorded.decisions.get(key), decision, "the verdict is another one")',
        "pass",
        (OF_REPLAY,),
    ),
    Mutation(
        "a replay takes other arguments for the same",
        REPLAY,
        'if digest(intent["request"]) != digest(request):',
        "if False:",
        (OF_REPLAY,),
    ),
    Mutation(
        "a replay need not come to what is recorded",
        REPLAY,
        "            if missing:\n",
        "            if False:\n",
        (OF_REPLAY,),
    ),
    Mutation(
        "a secret is written as it is",
        VAULT,
        "self._needles = tuple(sorted(found, key=lambda needle: (-len(needle), needle)))",
        "pass",
        (OF_VAULT,),
    ),
    Mutation(
        "a secret is masked in its plain spelling only",
        VAULT,
        "found = {*self._needles, *_encodings(plain)}",
        "found = {*self._needles, plain}",
        (OF_VAULT,),
    ),
    Mutation(
        "a secret in the name of a field is kept",
        VAULT,
        "{self.seal_text(name): self._masked(item) for name, item in value.items()}",
        "{name: self._masked(item) for name, item in value.items()}",
        (OF_VAULT,),
    ),
    Mutation(
        "the bodies of events do not pass the vault",
        TABLES,
        "body = self._vault.seal(event.body)",
        "body = Vault().seal(event.body)",
        (f"{OF_STORE}::test_secrets_do_not_reach_the_file",),
    ),
    Mutation(
        "effects do not pass the vault",
        TABLES,
        'self._vault.seal(effect.model_dump(mode="json"))',
        'Vault().seal(effect.model_dump(mode="json"))',
        (f"{OF_STORE}::test_secrets_do_not_reach_the_file",),
    ),
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_deletion_is_noticed(mutation: Mutation, laboratory: Laboratory) -> None:
    """With this piece of the protocol taken away, at least one of the named tests fails by what it asserts."""
    trial = laboratory.mutate(mutation)
    assert trial.is_noticed, trial.report


def test_the_named_tests_pass_on_a_plain_copy(laboratory: Laboratory) -> None:
    """What fails above fails by the deletion: without it the same tests pass in the same place."""
    trial = laboratory.replace("", "", sorted({test for one in MUTATIONS for test in one.tests}))
    assert trial.has_passed, trial.report
