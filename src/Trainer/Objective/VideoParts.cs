using static TorchSharp.torch;

namespace Mcn.Web.Trainer.Objective;

/// <summary>
/// The fixed cut of a step's videos into parts, of which each rank owns some that follow one another. Queue and k-means work part by
/// part and add up in the parts' order, so that the bits of a result depend on the parts alone and not on how many ranks share them.
/// </summary>
public static class VideoParts
{
    /// <summary>As many as a machine has GPUs at most; a machine with fewer gives several to each. With fewer videos some parts are empty.</summary>
    public const int Count = 8;

    /// <summary>First video of a part; the next part's first is its end.</summary>
    /// <param name="videos">Of a step.</param>
    /// <param name="part">0 to <see cref="Count"/>.</param>
    public static int Begin(int videos, int part) => (int)((long)videos * part / Count);

    /// <summary>Where each part lies.</summary>
    /// <param name="devices">Of the ranks; more ranks than parts leave some without one.</param>
    public static IReadOnlyList<Device> Devices(IReadOnlyList<Device> devices) =>
        [.. Enumerable.Range(0, Count).Select(part => devices[part * devices.Count / Count])];
}
