namespace Mcn.Web.Trainer.Data.Checking;

/// <summary>Something wrong with a data set.</summary>
/// <param name="Kind">One of <see cref="FindingKind"/>.</param>
/// <param name="Row">Row of the video list, from 1 after the header; null when it is no one video's.</param>
/// <param name="Subject">The file, or the file and what in it.</param>
/// <param name="Found">What is there.</param>
/// <param name="Expected">What should be there.</param>
public sealed record Finding(string Kind, int? Row, string Subject, string Found, string Expected);

/// <summary>Kinds of findings: names in the report, frozen.</summary>
public static class FindingKind
{
    /// <summary>A path stands in the list twice: the video is drawn twice an epoch.</summary>
    public const string DuplicateRow = "list_duplicate_row";

    /// <summary>Two paths with one video id: they share their captions.</summary>
    public const string DuplicateId = "list_duplicate_id";

    /// <summary>The captions have no entry for the video.</summary>
    public const string NoEntry = "caption_no_entry";

    /// <summary>The entry has no caption.</summary>
    public const string NoCaption = "caption_none";

    /// <summary>No start, end and text of one length, or values of another type.</summary>
    public const string Malformed = "caption_malformed";

    /// <summary>A time that is no finite number.</summary>
    public const string TimeNotFinite = "caption_time_not_finite";

    /// <summary>A caption ends before it starts.</summary>
    public const string EndBeforeStart = "caption_end_before_start";

    /// <summary>A text of nothing but blanks.</summary>
    public const string EmptyText = "caption_text_empty";

    /// <summary>A text that is None or NaN: the original trains on the word None or nan.</summary>
    public const string NoText = "caption_text_none";

    /// <summary>Bytes that are no UTF-8.</summary>
    public const string NotUtf8 = "caption_text_not_utf8";

    /// <summary>Captions reach beyond the spectrogram: their audio is padding.</summary>
    public const string BeyondAudio = "caption_beyond_audio";

    /// <summary>Captions start beyond the feature rows: their features are zero.</summary>
    public const string BeyondFeatures = "caption_beyond_features";

    public const string Missing = "file_missing";

    /// <summary>Torn, no npz at all, or without the array.</summary>
    public const string Unreadable = "file_unreadable";

    public const string WrongType = "array_wrong_type";

    public const string WrongShape = "array_wrong_shape";

    public const string NotFinite = "array_not_finite";
}
