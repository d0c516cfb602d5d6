using Mcn.Web.Dashboard.Configuration;
using Mcn.Web.Shared;
using Mcn.Web.TestKit;

namespace Mcn.Web.Dashboard.Tests.Configuration;

public sealed class DashboardOptionsTests
{
    [Fact]
    public void All_mistakes_are_told_at_once()
    {
        Assert.Null(DashboardOptions.Parse(["--listen", "here", "--tls-key", "/none", "--colour"], out var mistakes));
        Assert.Equal(5, mistakes.Count);
    }

    [Theory]
    [InlineData("127.0.0.1:8080", true)]
    [InlineData("[::1]:8080", true)]
    [InlineData("localhost:9000", true)]
    [InlineData("0.0.0.0:8080", false)]
    [InlineData("192.168.1.5:8080", false)]
    public void Only_loopback_goes_without_TLS_or_a_word(string listen, bool allowed)
    {
        Assert.Equal(allowed, DashboardOptions.Parse(["--data", "d", "--listen", listen], out _) is not null);
        Assert.NotNull(DashboardOptions.Parse(["--data", "d", "--listen", listen, "--insecure-lan"], out _));
    }

    [Fact]
    public void One_dashboard_a_folder()
    {
        using var folder = new TempFolder();
        using (new DataFolder(folder.Path))
            Assert.Equal(ExitCodes.Refused, Assert.Throws<UserError>(() => new DataFolder(folder.Path)).ExitCode);
        using var again = new DataFolder(folder.Path);
    }
}
