using System.Globalization;

namespace Mcn.Web.Trainer.Host;

/// <summary>One look at the machine and its judgement.</summary>
/// <param name="Group">Under which heading it is shown.</param>
/// <param name="Fallback">The check that stands for all of them when the look gives no answer.</param>
/// <param name="Look">May hang, may throw.</param>
sealed record Examination(string Group, Precondition Fallback, Func<IEnumerable<Check>> Look)
{
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>
/// Makes every examination, one after another, each on a thread that may be given up: a driver that hangs or a dead network mount costs its own
/// lines and no others. Few threads on purpose: on a machine that is short of them the doctor must run too.
/// </summary>
static class Doctor
{
    const string Stuck = "What hangs here hangs training too. Look at network mounts (findmnt -t nfs,nfs4,cifs) and at the kernel's log (sudo dmesg | tail -50)";

    /// <returns>In the order of the examinations.</returns>
    public static IEnumerable<(string Group, Check Check)> Examine(IEnumerable<Examination> examinations) =>
        examinations.SelectMany(one => Look(one).Select(check => (one.Group, check)));

    static IReadOnlyList<Check> Look(Examination one)
    {
        try
        {
            var call = new PatientCall<IReadOnlyList<Check>>($"doctor-{one.Fallback.Id}", () => [.. one.Look()], one.Patience);
            return call.TryGet(out var checks) ? checks!
                : [one.Fallback.Unknown(string.Create(CultureInfo.InvariantCulture, $"no answer in {one.Patience.TotalSeconds:0.#} s"), Stuck)];
        }
        catch (Exception failure)
        {
            // Whatever is broken is what people came to hear of; the other checks go on.
            return [one.Fallback.Unknown($"could not be looked at: {(failure.InnerException ?? failure).Message.ReplaceLineEndings(" ")}", "Mend what this message says, then call doctor again")];
        }
    }
}
