namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>
/// Curves that share their moments (all metrics of a step; all figures of the GPUs): bounded, however long the run. Older
/// points are rolled up to the smallest and largest of a bucket, so that a spike of one sample survives; the newest are kept
/// as they are. Not safe for threads by itself: <see cref="RunProjection"/> guards it.
/// </summary>
public sealed class Track
{
    /// <summary>Buckets over the whole run; a chart is about this many pixels wide.</summary>
    public const int Buckets = 2048;

    /// <summary>Newest rows kept as they are: half an hour at two a second.</summary>
    public const int Recent = 4096;

    readonly Dictionary<string, Series> series = new(StringComparer.Ordinal);
    readonly Moment[] first = new Moment[Buckets];
    readonly Moment[] last = new Moment[Buckets];
    readonly int[] counts = new int[Buckets];
    readonly Moment[] recent = new Moment[Recent];
    readonly GapRule gaps = new();
    int used;
    int perBucket = 1;

    /// <summary>Rows ever appended: a reader's place.</summary>
    public long Total { get; private set; }

    /// <summary>Grows when what a reader has is no longer true (a restart went back): it must read anew.</summary>
    public int Generation { get; private set; }

    public IEnumerable<string> Metrics => series.Keys;

    /// <summary>Buckets in use; their rows are <see cref="BucketRows"/>.</summary>
    public int UsedBuckets => used;

    /// <summary>A moment of the track. A gap says that nothing is known between it and the one before.</summary>
    /// <param name="Step">NaN for samples without one.</param>
    public readonly record struct Moment(double Time, double Step, int Incarnation, bool TimeGap, bool StepGap);

    public void Invalidate() => Generation++;

    public void Append(double time, double step, int incarnation, IEnumerable<(string Metric, double Value)> values)
    {
        var moment = gaps.Judge(time, step, incarnation);
        var bucket = BucketFor(moment);
        var slot = (int)(Total % Recent);
        recent[slot] = moment;
        foreach (var one in series.Values) one.Put(bucket, slot, float.NaN);
        foreach (var (metric, value) in values)
        {
            if (!series.TryGetValue(metric, out var one)) one = Add(metric);
            one.Put(bucket, slot, (float)value);
        }

        Total++;
    }

    /// <summary>Rows of one bucket, oldest first: one where it holds one moment, else the two extremes in their order.</summary>
    public IEnumerable<(Moment At, bool Early)> BucketRows(int bucket)
    {
        yield return (first[bucket], true);
        if (counts[bucket] > 1) yield return (last[bucket] with { TimeGap = false, StepGap = false }, false);
    }

    /// <summary>Value of a metric in a row of <see cref="BucketRows"/>; NaN where there is none.</summary>
    public float InBucket(string metric, int bucket, bool early) =>
        series.TryGetValue(metric, out var one) ? early ? one.First(bucket) : one.Last(bucket) : float.NaN;

    /// <summary>The oldest row that is still there as it was.</summary>
    public long OldestRecent => Math.Max(0, Total - Recent);

    public Moment RecentAt(long row) => recent[row % Recent];

    public float RecentValue(string metric, long row) => series.TryGetValue(metric, out var one) ? one.Recent((int)(row % Recent)) : float.NaN;

    Series Add(string metric)
    {
        var added = new Series(Buckets, Recent);
        for (var bucket = 0; bucket < Buckets; bucket++) added.Begin(bucket);
        for (var slot = 0; slot < Recent; slot++) added.Put(0, slot, float.NaN);
        series.Add(metric, added);
        return added;
    }

    int BucketFor(Moment moment)
    {
        var fits = used > 0 && counts[used - 1] < perBucket && !moment.TimeGap && last[used - 1].Incarnation == moment.Incarnation;
        if (!fits)
        {
            if (used == Buckets) RollUp();
            counts[used] = 0;
            first[used] = moment;
            foreach (var one in series.Values) one.Begin(used);
            used++;
        }

        counts[used - 1]++;
        last[used - 1] = moment;
        return used - 1;
    }

    void RollUp()
    {
        perBucket *= 2;
        // Gaps and restarts stay visible; only where they alone fill the track are they merged over too.
        if (Halve(overGaps: false) > Buckets * 3 / 4) Halve(overGaps: true);
    }

    int Halve(bool overGaps)
    {
        var kept = 0;
        for (var bucket = 0; bucket < used; kept++)
        {
            MoveBucket(bucket, kept);
            var next = bucket + 1;
            var joins = next < used && (overGaps || (!first[next].TimeGap && first[next].Incarnation == first[bucket].Incarnation));
            if (joins)
            {
                foreach (var one in series.Values) one.Merge(kept, next);
                counts[kept] += counts[next];
                last[kept] = last[next];
                next++;
            }

            bucket = next;
        }

        return used = kept;
    }

    void MoveBucket(int from, int to)
    {
        if (from == to) return;
        (first[to], last[to], counts[to]) = (first[from], last[from], counts[from]);
        foreach (var one in series.Values) one.Move(from, to);
    }
}

/// <summary>Says where a curve must break: more than three usual distances without a sample, and at each new process.</summary>
sealed class GapRule
{
    const int Remembered = 15;
    const double Distances = 3;

    /// <summary>Shorter pauses are no gaps whatever the rhythm: an evaluation between two quick steps.</summary>
    const double LeastSeconds = 5;

    readonly Rhythm time = new(Remembered);
    readonly Rhythm step = new(Remembered);
    Track.Moment? previous;

    internal Track.Moment Judge(double atTime, double atStep, int incarnation)
    {
        var moment = new Track.Moment(atTime, atStep, incarnation, TimeGap: false, StepGap: false);
        if (previous is { } before)
        {
            var sameProcess = before.Incarnation == incarnation;
            moment = moment with
            {
                TimeGap = !sameProcess || time.IsGap(atTime - before.Time, Distances, LeastSeconds),
                StepGap = !sameProcess || step.IsGap(atStep - before.Step, Distances, 0),
            };
        }

        previous = moment;
        return moment;
    }

    sealed class Rhythm(int remembered)
    {
        readonly double[] distances = new double[remembered];
        int seen;

        internal bool IsGap(double distance, double times, double least)
        {
            if (double.IsNaN(distance)) return false;
            var known = distances.AsSpan(0, Math.Min(seen, remembered)).ToArray();
            Array.Sort(known);
            var isGap = known.Length >= 3 && distance > Math.Max(least, times * known[known.Length / 2]);
            distances[seen++ % remembered] = distance;
            return isGap;
        }
    }
}
