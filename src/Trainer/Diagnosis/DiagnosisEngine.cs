using Mcn.Web.Shared.Crashes;

namespace Mcn.Web.Trainer.Diagnosis;

/// <summary>
/// Evidence in, verdict out; pure. A text is an observation, not a verdict. Harmless ones are ruled out with their reason; what training
/// went on after ended nothing; of the rest the earliest cause counts, messengers and consequences only where there is none. Readings
/// split and confirm, and what could not be looked at is said.
/// </summary>
public static class DiagnosisEngine
{
    const int MostLines = 5;
    const int SigKill = 9;

    public static Verdict Judge(Evidence evidence)
    {
        var seen = Observations.Of(evidence);
        var alive = seen.Where(one => one.Rule.Role != RuleRole.Harmless && !one.IsPast && Fits(one, evidence)).ToList();
        var chosen = Choose(alive, evidence);
        var (cause, where, retry) = chosen is null ? OfEnd(evidence) : OfObservation(chosen, alive, evidence);
        return new Verdict
        {
            Cause = cause,
            Where = where,
            Retry = retry,
            RuledOut = [.. Suspects.RuledOut(evidence, seen, chosen, cause)],
            CouldNotCheck = [.. Suspects.CouldNotCheck(evidence)],
        };
    }

    /// <summary>Null: the end says more than any text.</summary>
    static Observation? Choose(IReadOnlyList<Observation> alive, Evidence evidence)
    {
        if (evidence.ExitCode == ExitCodes.Done) return null;
        var firm = alive.Where(one => !one.IsWeak).ToList();
        var machine = firm.FirstOrDefault(one => one.IsOfMachine && one.Rule.Role == RuleRole.Root);
        if (evidence.Hang is not null) return machine;
        if (evidence.Signal == SigKill && (machine?.Rule.Id is Rules.OomKill or Rules.OomKillHost || evidence.OutOfMemoryKills > 0)) return machine;
        var said = firm.FirstOrDefault(one => !one.IsOfMachine && one.Rule.Role == RuleRole.Root);
        if (machine is not null && (said is null || (machine.Rule.Class == "gpu-hardware" && said.Rule.Class is "gpu-software" or "driver"))) return machine;
        if ((said ?? Messenger(firm.Where(one => one.Rule.Xids.Count == 0)) ?? Messenger(firm)) is { } cause) return cause;
        if (Endings.IsTelling(evidence)) return null;
        RuleRole[] lesser = [RuleRole.End, RuleRole.Cascade, RuleRole.Note];
        var rest = lesser.Select(role => firm.FirstOrDefault(one => one.Rule.Role == role)).FirstOrDefault(one => one is not null);
        return rest ?? (evidence.IsText ? alive.FirstOrDefault(one => one.IsWeak) : null);
    }

    /// <summary>The most specific one: the table has the more specific first.</summary>
    static Observation? Messenger(IEnumerable<Observation> firm) =>
        firm.Where(one => one.Rule.Role == RuleRole.Messenger).MinBy(one => Rules.Texts.TakeWhile(rule => rule != one.Rule).Count());

    /// <summary>What the machine tells may belong to another process: it counts only for an end that it can explain.</summary>
    static bool Fits(Observation one, Evidence evidence)
    {
        if (!one.IsOfMachine) return true;
        var unseen = evidence is { Signal: null, ExitCode: null };
        if (one.Rule.Id is Rules.OomKill or Rules.OomKillHost) return unseen || evidence.Signal == SigKill;
        if (one.Rule.Id == Rules.KernelSegfault) return unseen || evidence.Signal is 4 or 6 or 7 or 8 or 11;
        if (evidence.Hang is not null || unseen) return true;
        if (evidence.Signal is 1 or 2 or SigKill or 15) return false;
        return one.Rule.Class switch
        {
            "storage" => evidence.Signal == 7 || evidence.ExitCode is ExitCodes.BadData or ExitCodes.Storage,
            "host" => evidence.Signal is not null,
            _ => evidence.ExitCode is not (ExitCodes.Usage or ExitCodes.Refused or ExitCodes.BadData or ExitCodes.Numerics or ExitCodes.Storage or ExitCodes.HostMemory),
        };
    }

    static Judgement OfObservation(Observation chosen, IReadOnlyList<Observation> alive, Evidence evidence)
    {
        var (rule, kind, confidence) = Splits.Of(chosen, evidence, alive);
        var others = alive.Where(one => one != chosen && one.Rule != chosen.Rule && !one.IsWeak).ToList();
        var confirms = others.Where(one => one.IsOfMachine != chosen.IsOfMachine && (one.Rule.Class == kind || (IsOfGpu(one) && IsOfGpu(chosen)))).ToList();
        var rivals = Suspects.RivalsOf(chosen, kind, alive);
        if (confidence == "supported" && confirms.Any(one => one.Rule.Class == kind) && rule.Role == RuleRole.Root && !IsOfGpu(chosen)) confidence = "established";
        if (rule.Id == Rules.KernelSegfault && evidence.Signal == 11) confidence = "established";
        // A second cause in the same end, or somebody's signal, leaves room for doubt.
        if (confidence == "established" && (rivals.Count > 0 || evidence.Signal is 1 or 2 or SigKill or 15 && rule.Class != "host-memory")) confidence = "supported";
        if (chosen.IsWeak) confidence = "hypothesis";
        var lines = alive.Where(one => one.Rule == chosen.Rule && one.IsWeak == chosen.IsWeak).Select(one => one.Line)
            .DistinctBy(line => line.Text).Take(MostLines).Concat(confirms.Select(one => one.Line).DistinctBy(line => line.Text).Take(MostLines));
        if (evidence.Hang is { } hang) lines = lines.Append(new EvidenceLine("recorder", 0, hang));
        if (kind == "gpu-memory" && Splits.GpuMemory(evidence) is { } used) lines = lines.Append(new EvidenceLine("gpu", 0, Splits.Invariant($"{used:P0} of a GPU's memory was in use")));
        if (!evidence.IsText) lines = lines.Append(Endings.LineOf(evidence));
        return new Judgement(new Cause(rule.Id, kind, rule.Title, confidence, [.. lines], rule.Remedy), kind == "gpu-hardware" ? "gpu" : rule.Where, rule.Retry);
    }

    static bool IsOfGpu(Observation one) => one.Rule.Class is "gpu-hardware" or "gpu-software" or "gpu-memory" or "driver";

    static Judgement OfEnd(Evidence evidence) => evidence.Hang is { } hang
        ? new Judgement(new Cause("hang", "hang", "The worker stood still and was ended by the supervisor", "established", [new EvidenceLine("recorder", 0, hang)],
            "process/threads.txt shows where each thread waited; the phase says which part of the step"), "unknown", "unknown")
        : Endings.Of(evidence);
}
