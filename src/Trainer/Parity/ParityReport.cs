using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Parity;

/// <summary>One comparison with the original's numbers.</summary>
/// <param name="Name">What was compared: group, then array or scalar.</param>
/// <param name="Error">Measured by the group's rule; NaN never passes.</param>
/// <param name="Limit">Largest error that passes.</param>
/// <param name="Note">Why there is no error to measure, or what it means; empty most of the time.</param>
public sealed record ParityCheck(string Name, double Error, double Limit, string Note = "")
{
    public bool Passed => Error <= Limit;
}

/// <summary>Gathers the checks of one run of `parity`. One thread.</summary>
public sealed class ParityReport(Action<ParityCheck> onCheck, Action<string, string> onSkip)
{
    /// <summary>Losses: relative, or absolute below 1 (a loss of 0 has no relative error).</summary>
    public const double LossLimit = 1e-5;

    /// <summary>Outputs of modules: relative L2 over the array.</summary>
    public const double OutputLimit = 1e-5;

    /// <summary>Gradients and Adam's moments: relative L2 over the array.</summary>
    public const double GradientLimit = 1e-4;

    /// <summary>Parameters after steps: relative L2 over the array.</summary>
    public const double ParameterLimit = 1e-4;

    /// <summary>Below this norm an array counts as zero, and the error is absolute.</summary>
    const double SmallestNorm = 1e-6;

    public int Passed { get; private set; }

    public int Failed { get; private set; }

    public int Skipped { get; private set; }

    public void Add(ParityCheck check)
    {
        if (check.Passed) Passed++;
        else Failed++;
        onCheck(check);
    }

    /// <summary>Says that a group has no numbers in this folder.</summary>
    public void Skip(string name, string reason)
    {
        Skipped++;
        onSkip(name, reason);
    }

    /// <summary>Relative L2 distance of two arrays of the same shape.</summary>
    public void Near(string name, Tensor actual, Tensor golden, double limit)
    {
        if (!actual.shape.SequenceEqual(golden.shape))
        {
            Fail(name, limit, $"shape ({string.Join(", ", actual.shape)}) instead of ({string.Join(", ", golden.shape)})");
            return;
        }

        using var scope = NewDisposeScope();
        var expected = golden.detach().to(ScalarType.Float64);
        var difference = (actual.detach().to(ScalarType.Float64) - expected).norm().item<double>();
        var norm = expected.norm().item<double>();
        Add(new ParityCheck(name, norm < SmallestNorm ? difference : difference / norm, limit));
    }

    /// <summary>The same for plain numbers.</summary>
    public void Near(string name, ReadOnlySpan<float> actual, ReadOnlySpan<float> golden, double limit)
    {
        if (actual.Length != golden.Length)
        {
            Fail(name, limit, $"{actual.Length} values instead of {golden.Length}");
            return;
        }

        var (difference, norm) = (0.0, 0.0);
        for (var i = 0; i < golden.Length; i++)
        {
            difference += ((double)actual[i] - golden[i]) * ((double)actual[i] - golden[i]);
            norm += (double)golden[i] * golden[i];
        }

        Add(new ParityCheck(name, Math.Sqrt(difference) / (Math.Sqrt(norm) < SmallestNorm ? 1 : Math.Sqrt(norm)), limit));
    }

    /// <summary>One number, relative; absolute below 1.</summary>
    public void Value(string name, double actual, double golden, double limit) =>
        Add(new ParityCheck(name, Math.Abs(actual - golden) / Math.Max(1, Math.Abs(golden)), limit));

    /// <summary>Things that are equal or not; the error is the number of places that differ.</summary>
    public void Same<T>(string name, IEnumerable<T> actual, IEnumerable<T> golden)
    {
        var (ours, theirs) = (actual.ToList(), golden.ToList());
        var different = ours.Zip(theirs).Count(pair => !EqualityComparer<T>.Default.Equals(pair.First, pair.Second)) + Math.Abs(ours.Count - theirs.Count);
        Add(new ParityCheck(name, different, 0, different == 0 ? "" : $"places that differ, of {theirs.Count}"));
    }

    public void Fail(string name, double limit, string reason) => Add(new ParityCheck(name, double.NaN, limit, reason));
}
