using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Recording;

/// <summary>
/// Places at which a drill kills this process, as power or the kernel would: at once, with nothing run after it. Set only by tests, in the
/// environment variable MCN_DRILL_DIE_AT: `PLACE` or `PLACE:N` for the N-th time it is reached.
/// </summary>
static partial class FaultPoint
{
    static readonly (string Place, int Nth)? Wanted = Parse(Environment.GetEnvironmentVariable("MCN_DRILL_DIE_AT"));
    static int reached;

    public static void Reached(string place)
    {
        const int sigkill = 9;
        if (Wanted is not { } wanted || wanted.Place != place || Interlocked.Increment(ref reached) != wanted.Nth) return;
        _ = kill(Environment.ProcessId, sigkill);
        new ManualResetEventSlim().Wait(); // until it arrives
    }

    static (string, int)? Parse(string? text) => text?.Split(':') switch
    {
        [var place] => (place, 1),
        [var place, var nth] => (place, int.Parse(nth, System.Globalization.CultureInfo.InvariantCulture)),
        _ => null,
    };

    [LibraryImport("libc")]
    private static partial int kill(int process, int signal);
}
