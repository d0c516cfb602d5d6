namespace Mcn.Web.Trainer.Supervisor;

/// <param name="ExitCode">Null: a signal, or a hang.</param>
/// <param name="Step">Steps done at death; null: unknown.</param>
public sealed record Death(DateTimeOffset Time, int? ExitCode, long? Step);

/// <param name="Delay">Null: gives up.</param>
/// <param name="Reason">In English, for the banner.</param>
public sealed record RestartDecision(TimeSpan? Delay, string Reason);

/// <summary>
/// Whether and when a dead worker is started again. Pure. It gives up where the same would happen again: a configuration or input that
/// is wrong, the same step twice, too many deaths an hour.
/// </summary>
public sealed record RestartPolicy
{
    public int MostRestartsAnHour { get; init; } = 5;

    /// <summary>Off only in drills that kill at the same place.</summary>
    public bool SameStepTwiceIsHopeless { get; init; } = true;

    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromSeconds(2);

    public TimeSpan LongestDelay { get; init; } = TimeSpan.FromMinutes(2);

    /// <param name="deaths">Of this run, oldest first; the last one is the one in question.</param>
    public RestartDecision Decide(IReadOnlyList<Death> deaths)
    {
        var last = deaths[^1];
        if (Hopeless(last.ExitCode) is { } why) return new RestartDecision(null, $"gives up: {why}");
        if (SameStepTwiceIsHopeless && deaths.Count > 1 && last.Step is not null && deaths[^2].Step == last.Step)
            return new RestartDecision(null, $"gives up: died twice after step {last.Step}; the same would happen again");
        var recent = deaths.Count(death => last.Time - death.Time < TimeSpan.FromHours(1));
        if (recent > MostRestartsAnHour) return new RestartDecision(null, $"gives up: too many deaths within an hour ({recent})");
        var delay = TimeSpan.FromSeconds(Math.Min(FirstDelay.TotalSeconds * Math.Pow(2, recent - 1), LongestDelay.TotalSeconds));
        return new RestartDecision(delay, FormattableString.Invariant($"restart in {delay.TotalSeconds:0.#} s (attempt {recent} of {MostRestartsAnHour})"));
    }

    static string? Hopeless(int? exitCode) => exitCode switch
    {
        ExitCodes.Usage => "the configuration is wrong",
        ExitCodes.Refused => "another process trains this run, or its files are of another version",
        ExitCodes.BadData => "the input data is missing or damaged",
        ExitCodes.Numerics => "the loss is no number any more; from the same checkpoint it would be none again",
        ExitCodes.DeviceMemory => "the device's memory does not suffice; the next try would need as much",
        ExitCodes.Storage => "the disk refuses; make room first",
        _ => null,
    };
}
