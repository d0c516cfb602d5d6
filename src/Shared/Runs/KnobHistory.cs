namespace Mcn.Web.Shared.Runs;

/// <summary>
/// `knobs.json` of a run: every change of a live knob. What a knob is at a step follows from it as the learning rate follows from the
/// schedule, so a run that is gone on with from an earlier step does the same again.
/// </summary>
public sealed record KnobHistory(int FormatVersion, IReadOnlyList<KnobSetting> Changes)
{
    /// <summary>With a newer change: what was planned for the same knob at this step or later has not happened, or not any more.</summary>
    public KnobHistory With(KnobSetting change) => this with { Changes = [.. Changes.Where(known => known.Name != change.Name || known.Step < change.Step), change] };

    /// <summary>Of a knob in the step after so many; null: as it was declared.</summary>
    public double? At(string name, long step) => Changes.Where(change => change.Name == name && change.Step <= step).OrderBy(change => change.Step).LastOrDefault()?.Value;
}

/// <param name="Step">Steps done when it was turned: the next one has it.</param>
public sealed record KnobSetting(long Step, string Name, double Value, DateTimeOffset Time, string? CommandId);
