namespace Mcn.Web.Trainer.Objective;

/// <summary>
/// How a matrix of N x N similarities is cut: rows into equal parts of a BatchNorm group, of which ranks own whole ones, and columns into
/// tiles as wide as <see cref="TileBytes"/> allows. It depends on N, the element and the group alone: whoever computes a tile runs the same
/// kernel on the same numbers. Pure.
/// </summary>
/// <param name="Group">Clips of a BatchNorm group; rows of two groups never share a tile.</param>
/// <param name="Rows">Of a tile, at most.</param>
/// <param name="Columns">Of a tile, at most.</param>
/// <param name="KeptBytes">Of a rank's similarities, of one pair of modalities in one role, that may be kept from statistics to gradient.</param>
public sealed record SimilarityTiles(long Group, long Rows, long Columns, long KeptBytes = SimilarityTiles.MostKeptBytes)
{
    /// <summary>Bound of a tile, whatever N. Two of that size exist at a time: similarities and the exponentials of one direction.</summary>
    public const long TileBytes = 16L << 20;

    /// <summary>What one group of 4,096 clips has, in single precision; the published step has a quarter of it on each of four ranks.</summary>
    public const long MostKeptBytes = 64L << 20;

    // Every row of tiles reads all columns once: with so many rows a product has 512 operations for each byte that it reads of them.
    const long MostRows = 1024;

    // Widths are multiples of it: rows of a tile begin where vector loads and GPU kernels like them to.
    const long Alignment = 64;

    /// <param name="clips">N.</param>
    /// <param name="elementBytes">Of one similarity.</param>
    /// <param name="group">Clips of a BatchNorm group.</param>
    public static SimilarityTiles Of(long clips, long elementBytes, long group)
    {
        var parts = (group + MostRows - 1) / MostRows;
        var rows = (group + parts - 1) / parts;
        return new SimilarityTiles(group, rows, Math.Min(clips, TileBytes / (rows * elementBytes) / Alignment * Alignment));
    }

    /// <summary>
    /// Whether a rank of so many rows keeps its similarities instead of computing them again. One with several groups does not, so that the
    /// gradient cache needs the memory of one.
    /// </summary>
    public bool Keeps(long rows, long clips, long elementBytes) => rows <= Group && rows * clips * elementBytes <= KeptBytes;

    /// <summary>The tiles' rows among <paramref name="count"/> that begin with a group.</summary>
    public IEnumerable<(long Start, long Count)> RowsOf(long count)
    {
        for (var group = 0L; group < count; group += Group)
            foreach (var (start, rows) in Cut(Math.Min(Group, count - group), Rows)) yield return (group + start, rows);
    }

    /// <summary>The tiles' columns.</summary>
    public IEnumerable<(long Start, long Count)> ColumnsOf(long clips) => Cut(clips, Columns);

    static IEnumerable<(long Start, long Count)> Cut(long length, long most)
    {
        for (var start = 0L; start < length; start += most) yield return (start, Math.Min(most, length - start));
    }
}
