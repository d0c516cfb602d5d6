using System.Text.RegularExpressions;
using Mcn.Web.TestKit;

namespace Mcn.Web.Architecture.Tests.Deploy;

public sealed partial class DockerfileTests
{
    [Theory]
    [InlineData("trainer", "mcr.microsoft.com/dotnet/sdk:10.0-noble,mcr.microsoft.com/dotnet/runtime:10.0-noble")]
    [InlineData("dashboard", "node:22-bookworm-slim,mcr.microsoft.com/dotnet/sdk:10.0-noble,mcr.microsoft.com/dotnet/aspnet:10.0-noble")]
    public void Images_are_Ubuntu_24_04_without_HPC_X_and_Node_stays_in_the_build(string image, string bases)
    {
        var text = Text(image);
        Assert.Equal(bases.Split(','), From().Matches(text).Select(line => line.Groups[1].Value));
        var last = text[text.LastIndexOf("\nFROM ", StringComparison.Ordinal)..];
        Assert.DoesNotContain("node", last, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("apt-get", last, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("trainer")]
    [InlineData("dashboard")]
    public void What_is_copied_exists_and_is_not_ignored(string image)
    {
        var ignored = File.ReadAllLines(Repository.File($"deploy/docker/Dockerfile.{image}.dockerignore"));
        Assert.Equal("*", ignored[0]);
        var sources = Copy().Matches(Text(image)).SelectMany(line => line.Groups[1].Value.Split(' ')[..^1]).ToArray();
        Assert.NotEmpty(sources);
        Assert.All(sources, source =>
        {
            Assert.True(Path.Exists(Repository.File(source)), source);
            Assert.Contains($"!{source}", ignored);
        });
        Assert.All(ignored.Where(line => line.StartsWith('!')), line => Assert.Contains(line[1..], sources));
    }

    [Fact]
    public void The_trainer_is_built_for_cuda_and_the_dashboard_with_its_charts()
    {
        Assert.Contains("\nARG TORCH_BACKEND=cuda\n", Text("trainer"), StringComparison.Ordinal);
        Assert.Contains("-p:TorchBackend=${TORCH_BACKEND}", Text("trainer"), StringComparison.Ordinal);
        Assert.True(File.Exists(Repository.File("src/Trainer/TorchBackend.cuda.props")));
        Assert.Contains("VendorFolder>$(MSBuildThisFileDirectory)wwwroot/vendor/uplot/", DeployText.Read("src/Dashboard/Vendor.targets"), StringComparison.Ordinal);
        Assert.Contains("test -s /app/wwwroot/vendor/uplot/uPlot.iife.min.js", Text("dashboard"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("trainer", "Trainer")]
    [InlineData("dashboard", "Dashboard")]
    public void The_entry_is_the_program_that_is_published(string image, string project)
    {
        Assert.Contains($"dotnet publish src/{project}/{project}.csproj -c Release", Text(image), StringComparison.Ordinal);
        Assert.Contains($"ENTRYPOINT [\"dotnet\", \"/app/Mcn.Web.{project}.dll\"]", Text(image), StringComparison.Ordinal);
    }

    static string Text(string image) => DeployText.Read($"deploy/docker/Dockerfile.{image}");

    [GeneratedRegex(@"^FROM (\S+)", RegexOptions.Multiline)]
    private static partial Regex From();

    [GeneratedRegex(@"^COPY (?!--from)(.+)$", RegexOptions.Multiline)]
    private static partial Regex Copy();
}
