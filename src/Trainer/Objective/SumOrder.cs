using System.Numerics;

namespace Mcn.Web.Trainer.Objective;

/// <summary>
/// The fixed order in which the gradients of BatchNorm groups are added up: as a tree over the groups, in which four neighbours are added
/// one after another, then four such sums, and so on. It depends on the groups alone, so that ranks may each add up what they have and the
/// total is the same to the last bit; and one rank holds one sum for each level of the tree (log4 of the groups), where pairs would need
/// one for each doubling. Pure.
/// </summary>
public static class SumOrder
{
    const int Width = 4;

    /// <summary>Whether a sum takes up the one that follows it: when that one is complete, and both belong to the same four.</summary>
    /// <param name="first">First group of the sum.</param>
    /// <param name="groups">How many it is over.</param>
    /// <param name="following">How many the next sum is over; it begins at <paramref name="first"/> + <paramref name="groups"/>.</param>
    public static bool Joins(int first, int groups, int following) =>
        IsComplete(following) && groups % following == 0 && groups < Width * following && first % (Width * following) == 0;

    /// <summary>Sums that a rank holds at most while it works through its groups, the group's own among them.</summary>
    /// <param name="first">Its first group.</param>
    /// <param name="end">The one after its last.</param>
    public static int MostHeld(int first, int end)
    {
        var sums = new Stack<(int First, int Groups)>();
        var most = 0;
        for (var group = first; group < end; group++)
        {
            most = Math.Max(most, sums.Count + 1);
            var sum = (First: group, Groups: 1);
            while (sums.TryPeek(out var left) && Joins(left.First, left.Groups, sum.Groups)) sum = (sums.Pop().First, left.Groups + sum.Groups);
            sums.Push(sum);
        }

        return most;
    }

    /// <summary>A single group, four, sixteen, …</summary>
    static bool IsComplete(int groups) => BitOperations.IsPow2(groups) && int.IsEvenInteger(BitOperations.Log2((uint)groups));
}
