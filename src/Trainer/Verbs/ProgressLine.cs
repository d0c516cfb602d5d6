using System.Diagnostics;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>
/// The progress of a long look at many videos, on stderr: one line that is rewritten on a terminal, a line every half minute elsewhere.
/// </summary>
/// <param name="bytesAre">After the megabytes a second: ` written`, or nothing.</param>
sealed class ProgressLine(string bytesAre = "") : IDisposable
{
    static readonly TimeSpan OnTerminal = TimeSpan.FromMilliseconds(200);
    static readonly TimeSpan Elsewhere = TimeSpan.FromSeconds(30);

    readonly bool terminal = !Console.IsErrorRedirected;
    readonly long began = Stopwatch.GetTimestamp();
    long shown = Stopwatch.GetTimestamp();
    bool isOnLine;

    /// <param name="done">Videos done, earlier processes' too.</param>
    /// <param name="doneNow">Videos done by this process: what the rate and the time left follow from.</param>
    /// <param name="bytesNow">Bytes of this process.</param>
    /// <param name="rest">What else there is to say.</param>
    public void Show(int done, int videos, int doneNow, long bytesNow, string rest)
    {
        if (Stopwatch.GetElapsedTime(shown) < (terminal ? OnTerminal : Elsewhere)) return;
        shown = Stopwatch.GetTimestamp();
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var rate = doneNow / seconds;
        var left = TimeSpan.FromSeconds(Math.Min((videos - done) / Math.Max(rate, 1e-9), TimeSpan.MaxValue.TotalSeconds / 2));
        var text = FormattableString.Invariant($"{done:N0}/{videos:N0} videos  {rate:F0} videos/s  {bytesNow / 1e6 / seconds:F0} MB/s{bytesAre}  ")
            + FormattableString.Invariant($"ETA {(int)left.TotalHours}:{left:mm\\:ss}  {rest}");
        if (terminal) Console.Error.Write("\r\x1b[2K" + text);
        else Console.Error.WriteLine(text);
        isOnLine = terminal;
    }

    public void Dispose()
    {
        if (isOnLine) Console.Error.Write("\r\x1b[2K");
        isOnLine = false;
    }
}
