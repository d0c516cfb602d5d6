namespace Mcn.Web.Trainer.Data.Disk;

/// <summary>Mean sizes of a video's arrays.</summary>
/// <param name="FileBytes">Of its three files as they are.</param>
/// <param name="FeatureRows">Of 2d and 3d together.</param>
/// <param name="FeatureValues">Of 2d and 3d together.</param>
/// <param name="AudioValues">Bands x frames.</param>
/// <param name="Bands">Rows of the spectrogram.</param>
/// <param name="Captions">Of the video; NaN when they were not counted.</param>
public sealed record VideoSizes(double FileBytes, double FeatureRows, double FeatureValues, double AudioValues, double Bands, double Captions);

/// <summary>Bytes of a video in an encoding.</summary>
/// <param name="IsEstimate">Computed from the shapes; the rest was measured.</param>
public sealed record EncodingSize(string Encoding, double BytesPerVideo, bool IsEstimate);

/// <summary>What a video takes in the original's layout and in the encodings of `data pack`. Pure.</summary>
public static class EncodingSizes
{
    const int HalfBytes = 2;
    const int SingleBytes = 4;
    const int ScaleBytes = 8; // of a row: scale and offset

    /// <param name="videoWidth">V: values of a pooled clip.</param>
    public static IReadOnlyList<EncodingSize> Of(VideoSizes video, int videoWidth)
    {
        var pooled = video.Captions * videoWidth;
        var sizes = new List<EncodingSize>
        {
            new("original", video.FileBytes, IsEstimate: false),
            new("fp16", (video.FeatureValues + video.AudioValues) * HalfBytes, IsEstimate: true),
            new("u8", video.FeatureValues + video.AudioValues + ((video.FeatureRows + 1) * ScaleBytes), IsEstimate: true),
        };
        if (double.IsNaN(pooled)) return sizes;
        sizes.Add(new EncodingSize("pooled", (pooled * SingleBytes) + (video.AudioValues * HalfBytes), IsEstimate: true));
        sizes.Add(new EncodingSize("pooled-u8", pooled + video.AudioValues + (((2 * video.Captions) + 1) * ScaleBytes), IsEstimate: true));
        return sizes;
    }
}
