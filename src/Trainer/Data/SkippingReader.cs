using System.Diagnostics;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Fills the slot of a video that cannot be used with another video, so that a batch keeps its size. The other one is drawn by a counter
/// keyed with (seed, epoch, the planned video), from those that are not in the batch already: what a batch holds stays a function of the
/// run and the files, whatever the number of readers, and wherever a run is resumed. A bad video is tried again in the next epoch, because
/// a memory of it would make batches depend on where the run was started. One per reader thread.
/// </summary>
/// <param name="fill">Reads the video of a slot.</param>
sealed class SkippingReader(Action<Batch, int> fill, BatchPlan plan, long seed, DataCounters counters, BadRecords bad)
{
    /// <summary>Draws that avoid the batch's own videos; a list hardly longer than a batch has no other.</summary>
    const int ChoosyDraws = 32;

    const int MostDraws = 100;

    readonly int[] planned = new int[plan.BatchSize];

    public void Fill(Batch batch, int slot)
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            fill(batch, slot);
        }
        catch (UserError error) when (error.ExitCode == ExitCodes.Fails)
        {
            bad.Add(batch.Videos[slot], error);
            FillWithAnother(batch, slot, error);
        }

        counters.AddFilled(Stopwatch.GetTimestamp() - began);
    }

    void FillWithAnother(Batch batch, int slot, UserError last)
    {
        plan.VideosOf(batch.Epoch, batch.StepInEpoch, planned);
        var random = new CounterRandom(seed, RandomPurpose.Replacement, batch.Epoch, planned[slot]);
        for (var draw = 0; draw < MostDraws; draw++)
        {
            var candidate = random.Next(plan.Videos);
            if (draw < ChoosyDraws && planned.AsSpan().Contains(candidate)) continue;
            batch.Videos[slot] = candidate;
            try
            {
                fill(batch, slot);
                return;
            }
            catch (UserError error) when (error.ExitCode == ExitCodes.Fails)
            {
                bad.Add(candidate, last = error);
            }
        }

        throw last; // hardly a video can be read, and the budget allows it
    }
}
