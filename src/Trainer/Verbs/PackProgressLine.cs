using System.Diagnostics;
using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>The progress of `data pack` on stderr: one line that is rewritten on a terminal, a line every half minute elsewhere.</summary>
sealed class PackProgressLine : IDisposable
{
    static readonly TimeSpan OnTerminal = TimeSpan.FromMilliseconds(200);
    static readonly TimeSpan Elsewhere = TimeSpan.FromSeconds(30);

    readonly bool terminal = !Console.IsErrorRedirected;
    readonly long began = Stopwatch.GetTimestamp();
    long shown = Stopwatch.GetTimestamp();
    bool isOnLine;

    public void Show(PackProgress progress)
    {
        if (Stopwatch.GetElapsedTime(shown) < (terminal ? OnTerminal : Elsewhere)) return;
        shown = Stopwatch.GetTimestamp();
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var rate = progress.DoneNow / seconds;
        var left = TimeSpan.FromSeconds(Math.Min((progress.Videos - progress.Done) / Math.Max(rate, 1e-9), TimeSpan.MaxValue.TotalSeconds / 2));
        var text = FormattableString.Invariant($"{progress.Done:N0}/{progress.Videos:N0} videos  {rate:F0} videos/s  {progress.BytesNow / 1e6 / seconds:F0} MB/s written  ")
            + FormattableString.Invariant($"ETA {(int)left.TotalHours}:{left:mm\\:ss}  {progress.ShardsKept} shards kept  {progress.Skipped} left out");
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
