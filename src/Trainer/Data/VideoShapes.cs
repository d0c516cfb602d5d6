using Mcn.Web.Shared;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>What the arrays of a video must be, whoever reads them.</summary>
static class VideoShapes
{
    public static void RequireMatrix(HostArray array, string file, VideoPart part)
    {
        if (array.Shape.Length == 2 && array.IsFloat) return;
        var key = part == VideoPart.Spectrogram ? "arr_0" : "features";
        throw new UserError(file, $"array `{key}` is {array.Type} of shape ({string.Join(", ", array.Shape)})",
            "a matrix of half, single or double precision", "Extract this video again or take it off data.train_csv");
    }

    /// <returns>The width.</returns>
    public static int RequireWidth2d(HostArray array, string file, int videoWidth)
    {
        var width = checked((int)array.Shape[1]);
        return width < videoWidth ? width
            : throw WrongWidth(file, $"2d features of width {width}", $"less than model.feature_dim = {videoWidth}");
    }

    public static void RequireWidth3d(HostArray array, string file, int width2d, int videoWidth) => RequireWidth(width2d, array.Shape[1], file, videoWidth);

    public static void RequireWidth(int width2d, long width3d, string file, int videoWidth)
    {
        if (width2d + width3d == videoWidth) return;
        throw WrongWidth(file, $"3d features of width {width3d} beside 2d features of width {width2d}", $"model.feature_dim = {videoWidth} together");
    }

    public static void RequireBands(HostArray array, string file, int melBands) => RequireBands(array.Shape[0], file, melBands);

    public static void RequireBands(long bands, string file, int melBands)
    {
        if (bands == melBands) return;
        throw new UserError(file, $"a spectrogram of {bands} rows", $"model.mel_bands = {melBands}",
            "Compute it again, or set model.mel_bands");
    }

    static UserError WrongWidth(string file, string found, string expected) =>
        new(file, found, expected, "Set model.feature_dim to the width of the 2d and 3d features together");
}
