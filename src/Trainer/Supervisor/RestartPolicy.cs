using Mcn.Web.Shared.Crashes;

namespace Mcn.Web.Trainer.Supervisor;

/// <param name="ExitCode">Null: a signal, or a hang.</param>
/// <param name="Step">Steps done at death; null: unknown.</param>
public sealed record Death(DateTimeOffset Time, int? ExitCode, long? Step);

/// <param name="Delay">Null: gives up.</param>
/// <param name="Reason">For the banner.</param>
public sealed record RestartDecision(TimeSpan? Delay, CodedText Reason);

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
        if (Hopeless(last.ExitCode) is var (code, why)) return GiveUp(code, why);
        if (SameStepTwiceIsHopeless && deaths.Count > 1 && last.Step is { } step && deaths[^2].Step == step)
            return GiveUp("same_step", $"died twice after step {step}; the same would happen again", ("step", $"{step}"));
        var recent = deaths.Count(death => last.Time - death.Time < TimeSpan.FromHours(1));
        if (recent > MostRestartsAnHour) return GiveUp("too_often", $"too many deaths within an hour ({recent})", ("deaths", $"{recent}"));
        var delay = TimeSpan.FromSeconds(Math.Min(FirstDelay.TotalSeconds * Math.Pow(2, recent - 1), LongestDelay.TotalSeconds));
        var seconds = FormattableString.Invariant($"{delay.TotalSeconds:0.#}");
        return new RestartDecision(delay, new CodedText("restart", $"restart in {seconds} s (attempt {recent} of {MostRestartsAnHour})",
            ("seconds", seconds), ("attempt", $"{recent}"), ("most", $"{MostRestartsAnHour}")));
    }

    static RestartDecision GiveUp(string code, string why, params (string, string)[] parameters) =>
        new(null, new CodedText("give_up_" + code, $"gives up: {why}", parameters));

    static (string Code, string Why)? Hopeless(int? exitCode) => exitCode switch
    {
        ExitCodes.Usage => ("configuration", "the configuration is wrong"),
        ExitCodes.Refused => ("refused", "another process trains this run, or its files are of another version"),
        ExitCodes.BadData => ("data", "the input data is missing or damaged"),
        ExitCodes.Numerics => ("numerics", "the loss is no number any more; from the same checkpoint it would be none again"),
        ExitCodes.DeviceMemory => ("device_memory", "the device's memory does not suffice; the next try would need as much"),
        ExitCodes.Storage => ("storage", "the disk refuses; make room first"),
        _ => null,
    };
}
