using Mcn.Web.Trainer.Model;
using Mcn.Web.Trainer.Objective;
using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Sums gradients of consecutive groups as groups come in. Sums of floating-point numbers depend on their order; that of
/// <see cref="SumOrder"/> depends on the number of groups alone, so that ranks may each add up what they have and the total is the same to
/// the last bit, however many there are.
/// </summary>
sealed class GradientSum
{
    readonly List<Part> parts = [];

    /// <summary>The sum over some groups; an entry each parameter, null where there is no gradient.</summary>
    public sealed record Part(int First, int Groups, Tensor?[] Gradients);

    /// <summary>What is added up so far, in the order of the groups.</summary>
    public IReadOnlyList<Part> Parts => parts;

    /// <summary>Moves the gradients out of the parameters, into the caller's outer dispose scope.</summary>
    /// <param name="group">The next one after those that were added.</param>
    public void Take(int group, IReadOnlyList<(string Name, Tensor Value)> parameters)
    {
        Add(new Part(group, 1, [.. parameters.Select(parameter => parameter.Value.grad?.MoveToOuterDisposeScope())]), release: true);
        foreach (var (_, parameter) in parameters) parameter.grad = null;
    }

    /// <summary>Adds what follows; sums that belong together are joined, into the left one's memory.</summary>
    /// <param name="release">Whether the right one's is freed: only by the thread that made it.</param>
    public void Add(Part part, bool release = false)
    {
        while (parts.Count > 0 && parts[^1] is var left && SumOrder.Joins(left.First, left.Groups, part.Groups))
        {
            parts.RemoveAt(parts.Count - 1);
            part = Join(left, part, release);
        }

        parts.Add(part);
    }

    /// <summary>The sum of everything, once all groups are there: what is left of a tree that is not full is joined from the right.</summary>
    public Tensor?[] Total()
    {
        while (parts.Count > 1)
        {
            parts[^2] = Join(parts[^2], parts[^1], release: false);
            parts.RemoveAt(parts.Count - 1);
        }

        return parts[0].Gradients;
    }

    static Part Join(Part left, Part right, bool release)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var sums = left.Gradients;
        for (var i = 0; i < sums.Length; i++)
        {
            if (right.Gradients[i] is not { } addend) continue;
            if (sums[i] is not { } sum)
            {
                sums[i] = addend;
                continue;
            }

            sum.add_(addend.to(sum.device), Scalars.One);
            if (release) addend.Dispose();
        }

        return left with { Groups = left.Groups + right.Groups };
    }
}
