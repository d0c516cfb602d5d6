using System.Runtime.InteropServices;
using Mcn.Web.Trainer.Data;

namespace Mcn.Web.Trainer.Tests.Data;

public sealed class LargePagesTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3_000_001)] // has a whole page of 2 MB in it
    public void An_array_is_zeros_that_can_be_written_to_the_end_and_stays_where_it_is(int length)
    {
        var array = LargePages.Allocate<int>(length);
        Assert.Equal(length, array.Length);
        Assert.False(array.AsSpan().ContainsAnyExcept(0));
        array.AsSpan().Fill(7);
        var place = Marshal.UnsafeAddrOfPinnedArrayElement(array, 0);
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        Assert.Equal(place, Marshal.UnsafeAddrOfPinnedArrayElement(array, 0));
        Assert.False(array.AsSpan().ContainsAnyExcept(7));
    }
}
