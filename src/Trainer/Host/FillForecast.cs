namespace Mcn.Web.Trainer.Host;

/// <summary>
/// When a disk will be full, from how its free space fell: the sooner of what the last half hour and the last six hours say. Pure:
/// the clock is an argument.
/// </summary>
/// <remarks>
/// The rate is the median of the rates over every quarter of the window. One large file lies in a third of those quarters and does
/// not turn the median; a checkpoint written and another deleted cancel each other. The slopes of all pairs (Theil-Sen) were tried:
/// half of the pairs contain a step in the middle, and one large file became a trend.
/// </remarks>
sealed class FillForecast
{
    readonly Window recent = new(TimeSpan.FromMinutes(30), points: 30);
    readonly Window day = new(TimeSpan.FromHours(6), points: 72);

    public void Add(DateTimeOffset now, long freeBytes)
    {
        recent.Add(now, freeBytes);
        day.Add(now, freeBytes);
    }

    /// <summary>Null when nothing is known yet or the disk does not fill.</summary>
    public TimeSpan? TimeToFull(long freeBytes)
    {
        var fall = Math.Max(recent.FallPerSecond ?? 0, day.FallPerSecond ?? 0);
        if (fall <= 0) return null;
        var seconds = freeBytes / fall;
        return seconds < TimeSpan.FromDays(365).TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;
    }

    /// <summary>A span of time in at most so many points.</summary>
    sealed class Window(TimeSpan span, int points)
    {
        readonly Queue<(DateTimeOffset Time, long Free)> kept = new();
        DateTimeOffset newest = DateTimeOffset.MinValue;

        /// <summary>Bytes a second by which free space falls; negative when it grows. Null until the span has been seen.</summary>
        public double? FallPerSecond { get; private set; }

        public void Add(DateTimeOffset now, long free)
        {
            if (now < newest) kept.Clear(); // the clock was set back
            if (kept.Count > 0 && now - newest < span / points) return;
            newest = now;
            kept.Enqueue((now, free));
            while (now - kept.Peek().Time > span) kept.Dequeue();
            FallPerSecond = now - kept.Peek().Time >= span * 0.9 ? Slope() : null;
        }

        double Slope()
        {
            var all = kept.ToArray();
            var quarter = Math.Max(1, all.Length / 4);
            var slopes = new List<double>();
            for (var i = 0; i + quarter < all.Length; i++)
            {
                var (from, to) = (all[i], all[i + quarter]);
                slopes.Add((from.Free - to.Free) / (to.Time - from.Time).TotalSeconds);
            }

            slopes.Sort();
            return slopes[slopes.Count / 2];
        }
    }
}
