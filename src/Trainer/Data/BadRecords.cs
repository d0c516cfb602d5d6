using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data;

/// <summary>A video that could not be used, and why.</summary>
/// <param name="Video">Row of the video list.</param>
public sealed record BadRecord(int Video, string Id, string Reason);

/// <summary>
/// The videos that a run had to skip: missing, torn, of a wrong shape, not finite. Each counts once however often it is met. More than the
/// budget ends the run with the list. Written by all reader threads, read by anyone; bounded by the budget.
/// </summary>
public sealed class BadRecords
{
    const int Listed = 10;

    readonly Lock gate = new();
    readonly VideoList videos;
    readonly double budget;
    readonly Dictionary<int, BadRecord> records = [];
    readonly Queue<BadRecord> untold = new();

    /// <param name="budget">data.bad_record_budget: share of the listed videos.</param>
    public BadRecords(VideoList videos, double budget)
    {
        this.videos = videos;
        this.budget = budget;
        Allowed = (int)Math.Floor(budget * videos.Count);
    }

    /// <summary>Videos that may be bad.</summary>
    public int Allowed { get; }

    /// <summary>Videos that are.</summary>
    public int Count
    {
        get
        {
            lock (gate) return records.Count;
        }
    }

    /// <summary>Those that were found since the last call.</summary>
    public IReadOnlyList<BadRecord> TakeNew()
    {
        lock (gate)
        {
            BadRecord[] found = [.. untold];
            untold.Clear();
            return found;
        }
    }

    /// <summary>Notes a video that cannot be used.</summary>
    /// <exception cref="UserError">There are more than the budget allows; it names them.</exception>
    internal void Add(int video, UserError reason)
    {
        lock (gate)
        {
            if (!records.ContainsKey(video))
            {
                var record = new BadRecord(video, videos.IdOf(video), reason.Message);
                records.Add(video, record);
                untold.Enqueue(record);
            }

            if (records.Count > Allowed) throw OverBudget(reason);
        }
    }

    UserError OverBudget(UserError last)
    {
        // Nothing is allowed: the one video is the whole story, in its own words.
        if (Allowed == 0) return last;
        var list = string.Join("; ", records.Values.Take(Listed).Select(record => $"{record.Id} ({record.Reason})"));
        return new UserError(videos.Source, FormattableString.Invariant($"{records.Count} of {videos.Count} videos cannot be used: {list}{(records.Count > Listed ? "; ..." : "")}"),
            FormattableString.Invariant($"at most {Allowed} (data.bad_record_budget = {budget})"), "`./mcn data check CONFIG` finds all of them; mend them or take them off the list", inner: last);
    }
}
