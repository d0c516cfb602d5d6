using System.Globalization;

namespace Mcn.Web.Trainer.Host;

/// <summary>Busy share of all cores between two looks, from the first line of /proc/stat.</summary>
sealed class CpuWatch
{
    (long Busy, long Total)? last;

    /// <summary>0 to 1; null at the first look, or when no tick has passed.</summary>
    public double? Take() => Take(ProcText.Read("/proc/stat"));

    internal double? Take(string? stat)
    {
        if (Ticks(stat) is not { } now) return null;
        var before = last;
        last = now;
        if (before is not { } old || now.Total <= old.Total) return null;
        // Counters of idle time may step back by a tick on some kernels.
        return Math.Clamp((double)(now.Busy - old.Busy) / (now.Total - old.Total), 0, 1);
    }

    static (long Busy, long Total)? Ticks(string? stat)
    {
        if (stat is null || !stat.StartsWith("cpu ", StringComparison.Ordinal)) return null;
        var end = stat.IndexOf('\n', StringComparison.Ordinal);
        var words = (end < 0 ? stat : stat[..end]).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        long total = 0, idle = 0;
        // user nice system idle iowait irq softirq steal; guest time behind them is counted in user already.
        for (var i = 1; i < words.Length && i <= 8; i++)
        {
            if (!long.TryParse(words[i], NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)) return null;
            total += ticks;
            if (i is 4 or 5) idle += ticks;
        }

        return (total - idle, total);
    }
}
