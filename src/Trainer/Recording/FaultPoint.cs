using System.Runtime.InteropServices;

namespace Mcn.Web.Trainer.Recording;

/// <summary>
/// Places at which a drill kills this process, as power or the kernel would (at once, with nothing run after it), lets the thread fail,
/// or lets it hang. Set only by tests, in the environment variables MCN_DRILL_DIE_AT, MCN_DRILL_FAIL_AT and MCN_DRILL_HANG_AT: `PLACE`,
/// or `PLACE:N` for the N-th time it is reached.
/// </summary>
static partial class FaultPoint
{
    static readonly Drill? Die = Drill.Of("MCN_DRILL_DIE_AT");
    static readonly Drill? Fail = Drill.Of("MCN_DRILL_FAIL_AT");
    static readonly Drill? Hang = Drill.Of("MCN_DRILL_HANG_AT");

    public static void Reached(string place)
    {
        const int sigkill = 9;
        if (Die?.IsDue(place) == true)
        {
            _ = kill(Environment.ProcessId, sigkill);
            Forever(); // until it arrives
        }

        if (Fail?.IsDue(place) == true) throw new InvalidOperationException($"a drill at {place}");
        if (Hang?.IsDue(place) == true) Forever();
    }

    static void Forever() => new ManualResetEventSlim().Wait();

    sealed class Drill(string wanted, int nth)
    {
        int reached;

        public static Drill? Of(string variable) => Environment.GetEnvironmentVariable(variable)?.Split(':') switch
        {
            [var place] => new Drill(place, 1),
            [var place, var nth] => new Drill(place, int.Parse(nth, System.Globalization.CultureInfo.InvariantCulture)),
            _ => null,
        };

        public bool IsDue(string place) => wanted == place && Interlocked.Increment(ref reached) == nth;
    }

    [LibraryImport("libc")]
    private static partial int kill(int process, int signal);
}
