using Mcn.Web.Trainer.Objective;

namespace Mcn.Web.Trainer.Tests.Objective;

public sealed class SimilarityTilesTests
{
    [Theory]
    [InlineData(64, 4, 64, 64, 64)]
    [InlineData(4096, 4, 1024, 1024, 4096)] // the paper's: whole rows of one group
    [InlineData(131_072, 4, 1024, 1024, 4096)]
    [InlineData(4096, 4, 4096, 1024, 4096)]
    [InlineData(8192, 8, 1000, 1000, 2048)]
    [InlineData(100_000, 4, 1500, 750, 5568)]
    [InlineData(131_072, 4, 32, 32, 131_072)]
    [InlineData(1_000_000_000, 4, 1024, 1024, 4096)]
    [InlineData(1_000_000_000, 4, 1, 1, 4_194_304)]
    public void Tiles_are_equal_parts_of_a_group_and_as_wide_as_their_bytes_allow(long clips, long elementBytes, long group, long rows, long columns) =>
        Assert.Equal(new SimilarityTiles(group, rows, columns), SimilarityTiles.Of(clips, elementBytes, group));

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    public void No_tile_is_beyond_its_bytes_for_one_clip_to_a_thousand_million(long elementBytes)
    {
        const long most = 1_000_000_000;
        var sizes = Enumerable.Range(0, 31).Select(power => 1L << power).SelectMany(power => new[] { power - 1, power, power + 1, power * 3 / 2, power * 5 / 4 })
            .Append(most).Where(size => size is > 0 and <= most).Distinct().ToList();
        foreach (var clips in sizes)
            foreach (var group in sizes.Where(size => size <= clips))
            {
                var tiles = SimilarityTiles.Of(clips, elementBytes, group);
                Assert.InRange(tiles.Rows, 1, group);
                Assert.InRange(tiles.Columns, 1, clips);
                Assert.InRange(tiles.Rows * tiles.Columns * elementBytes, 1, SimilarityTiles.TileBytes);
                Assert.True(tiles.Columns == clips || tiles.Rows * (tiles.Columns + 64) * elementBytes > SimilarityTiles.TileBytes, $"{clips} clips in groups of {group} have tiles of {tiles}");
            }
    }

    [Theory]
    [InlineData(48, 12, 5, 7)]
    [InlineData(37, 37, 37, 37)]
    [InlineData(30, 1, 1, 30)]
    [InlineData(12, 4, 3, 5)]
    public void Every_row_and_column_is_in_one_tile_and_no_tile_has_rows_of_two_groups(long clips, long group, long rows, long columns)
    {
        var tiles = new SimilarityTiles(group, rows, columns);
        static IEnumerable<long> Members((long Start, long Count) part) => Enumerable.Range(0, (int)part.Count).Select(i => part.Start + i);
        var all = Enumerable.Range(0, (int)clips).Select(i => (long)i);

        Assert.Equal(all, tiles.RowsOf(clips).SelectMany(Members));
        Assert.Equal(all, tiles.ColumnsOf(clips).SelectMany(Members));
        Assert.All(tiles.RowsOf(clips), part => Assert.Single(Members(part).Select(row => row / group).Distinct()));
        Assert.All(tiles.RowsOf(clips), part => Assert.InRange(part.Count, 1, rows));
        Assert.All(tiles.ColumnsOf(clips), part => Assert.InRange(part.Count, 1, columns));
    }

    [Theory]
    [InlineData(1024, 1024, 4096, true)] // the published step on four ranks
    [InlineData(4096, 1024, 4096, false)] // and on one
    [InlineData(1024, 1024, 16_384, true)]
    [InlineData(1024, 1024, 32_768, false)]
    [InlineData(4096, 4096, 4096, true)]
    [InlineData(1_000_000_000, 1_000_000_000, 1_000_000_000, false)]
    public void Similarities_of_one_group_are_kept_up_to_their_bytes(long rows, long group, long clips, bool kept) =>
        Assert.Equal(kept, SimilarityTiles.Of(clips, sizeof(float), group).Keeps(rows, clips, sizeof(float)));
}
