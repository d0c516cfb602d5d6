namespace Mcn.Web.Trainer.Supervisor;

/// <summary>How long to wait before the next try to reach the dashboard. Pure: 0.5, 1, 2 … 15 s, for ever.</summary>
public static class LinkBackoff
{
    static readonly TimeSpan First = TimeSpan.FromSeconds(0.5);
    static readonly TimeSpan Longest = TimeSpan.FromSeconds(15);

    /// <param name="failures">Tries that failed since the last success, from 1.</param>
    public static TimeSpan After(int failures)
    {
        const int steps = 5; // 0.5 x 2^5 is beyond the longest
        var delay = First * Math.Pow(2, Math.Min(failures - 1, steps));
        return delay < Longest ? delay : Longest;
    }
}
