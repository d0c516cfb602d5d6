using System.Text;
using Mcn.Web.Shared;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// The training videos, in the order of the csv (mcn-spec §3.1). Paths are kept as UTF-8 in one arena (a million strings would
/// be three times the size) and made into strings when a video is read. A path that stands twice is two rows.
/// </summary>
public sealed class VideoList
{
    readonly byte[] arena;
    readonly int[] offsets;

    VideoList(string source, byte[] arena, int[] offsets)
    {
        Source = source;
        this.arena = arena;
        this.offsets = offsets;
    }

    /// <summary>The csv.</summary>
    public string Source { get; }

    public int Count => offsets.Length - 1;

    /// <summary>All paths one after the other: what identifies the list.</summary>
    public ReadOnlySpan<byte> AllPaths => arena;

    public ReadOnlySpan<int> Offsets => offsets;

    /// <summary>Folder of the video below the feature roots.</summary>
    public string PathOf(int video) => Encoding.UTF8.GetString(arena, offsets[video], offsets[video + 1] - offsets[video]);

    /// <summary>Last component of the path.</summary>
    public string IdOf(int video)
    {
        var path = PathOf(video);
        return path[(path.LastIndexOf('/') + 1)..];
    }

    public static VideoList Read(string csv)
    {
        StreamReader reader;
        try
        {
            reader = new StreamReader(csv, new UTF8Encoding(false, throwOnInvalidBytes: true));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserError(csv, $"the list of videos cannot be opened ({error.Message})", "", "Set data.train_csv", inner: error);
        }

        using (reader)
        {
            try
            {
                return Read(csv, reader);
            }
            catch (DecoderFallbackException error)
            {
                throw new UserError(csv, "bytes that are not UTF-8", "a csv in UTF-8", "Convert the file", inner: error);
            }
        }
    }

    static VideoList Read(string csv, TextReader reader)
    {
        var fields = new CsvFields(reader);
        var header = new List<string>();
        while (header.Count == 0 && fields.ReadRecord(header)) { }
        var column = header.IndexOf("path");
        if (column < 0)
        {
            var found = header.Count == 0 ? "an empty file" : "a header without it: " + string.Join(',', header);
            throw new UserError(csv, found, "a column `path`", "The first line must be `path`, then one relative path a line");
        }

        var arena = new MemoryStream();
        var offsets = new List<int> { 0 };
        var record = new List<string>();
        while (fields.ReadRecord(record))
        {
            if (record.Count == 0) continue; // a blank line, skipped as in the original
            var path = column < record.Count ? record[column].Replace("None/", "", StringComparison.Ordinal) : "";
            if (path.Length == 0 || path.EndsWith('/'))
            {
                throw new UserError(csv, $"row {offsets.Count} has no video id: '{path}'", "a path such as food/video_j/ID",
                    "Correct the row");
            }

            arena.Write(Encoding.UTF8.GetBytes(path));
            offsets.Add(checked((int)arena.Length));
        }

        if (offsets.Count == 1) throw new UserError(csv, "a header and no video", "one relative path a line", "Fill the list");
        return new VideoList(csv, arena.ToArray(), [.. offsets]);
    }
}
