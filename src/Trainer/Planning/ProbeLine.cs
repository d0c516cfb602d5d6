namespace Mcn.Web.Trainer.Planning;

/// <summary>
/// How the formula of <see cref="MemoryPlan"/> is to be read on this machine: a line through two runs that were measured. Pure.
/// </summary>
/// <param name="Slope">Bytes measured for each one that the formula adds.</param>
/// <param name="LargeBytes">Measured in the larger run.</param>
/// <param name="LargeFormulaBytes">What the formula says of it.</param>
public sealed record ProbeLine(double Slope, long LargeBytes, long LargeFormulaBytes)
{
    /// <summary>
    /// What both runs say of the formula's growth counts as far as this, and as the inverse: what an allocator keeps of freed memory goes up and
    /// down between two sizes, and a line through that may even fall.
    /// </summary>
    public const double MostSlope = 1.5;

    /// <param name="largeFormulaBytes">More than <paramref name="smallFormulaBytes"/>.</param>
    public static ProbeLine Through(long smallBytes, long smallFormulaBytes, long largeBytes, long largeFormulaBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(largeFormulaBytes, smallFormulaBytes);
        var slope = (largeBytes - smallBytes) / (double)(largeFormulaBytes - smallFormulaBytes);
        return new ProbeLine(Math.Clamp(slope, 1 / MostSlope, MostSlope), largeBytes, largeFormulaBytes);
    }

    /// <summary>What is to be expected where the formula says so much.</summary>
    public long At(long formulaBytes) => (long)(LargeBytes + (Slope * (formulaBytes - LargeFormulaBytes)));
}
