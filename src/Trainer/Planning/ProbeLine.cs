namespace Mcn.Web.Trainer.Planning;

/// <summary>
/// How the formula of <see cref="MemoryPlan"/> is to be read on this machine: a line through two runs that were measured. Pure.
/// </summary>
/// <param name="Slope">Bytes measured for each one that the formula adds.</param>
/// <param name="LargeBytes">Measured in the larger run.</param>
/// <param name="LargeFormulaBytes">What the formula says of it.</param>
public sealed record ProbeLine(double Slope, long LargeBytes, long LargeFormulaBytes)
{
    /// <param name="largeFormulaBytes">More than <paramref name="smallFormulaBytes"/>.</param>
    /// <param name="source">
    /// Decides how far the slope is trusted, and its inverse. What the C library keeps of freed memory goes up and down between two sizes, by more than
    /// the formula errs (docs/results.md). A board's figures repeat; there it is the formula that is unproven.
    /// </param>
    public static ProbeLine Through(long smallBytes, long smallFormulaBytes, long largeBytes, long largeFormulaBytes, PeakSource source)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(largeFormulaBytes, smallFormulaBytes);
        var (slope, most) = ((largeBytes - smallBytes) / (double)(largeFormulaBytes - smallFormulaBytes), MostSlope(source));
        return new ProbeLine(Math.Clamp(slope, 1 / most, most), largeBytes, largeFormulaBytes);
    }

    /// <summary>The largest slope that is believed.</summary>
    public static double MostSlope(PeakSource source) => source == PeakSource.Resident ? 1.2 : 2;

    /// <summary>What is to be expected where the formula says so much.</summary>
    public long At(long formulaBytes) => (long)(LargeBytes + (Slope * (formulaBytes - LargeFormulaBytes)));
}
