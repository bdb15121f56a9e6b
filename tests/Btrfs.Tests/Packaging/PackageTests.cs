using Btrfs.Fidelity;
using Btrfs.Tests.Interop.Abi;

namespace Btrfs.Tests.Packaging;

/// <summary>The package as somebody gets it who has nothing else of this repository.</summary>
public sealed class PackageTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("btrfs-package-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void A_program_that_knows_only_the_package_sends_what_it_wrote()
    {
        string packages = Path.Combine(Repository.Root, "artifacts", "package");
        if (!Directory.Exists(packages) || Directory.GetFiles(packages, "*.nupkg").Length == 0)
            Assert.Ignore("there is no package yet: ./build.sh Pack makes it");

        foreach (string file in Directory.GetFiles(Path.Combine(Repository.Root, "tests", "Consumer")))
            File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        File.WriteAllText(Path.Combine(_folder, "nuget.config"), ConfigurationWith(packages));

        Tool.Run("dotnet", "build", _folder, "-c", "Release", "-nologo", "-v", "quiet", "-o", Path.Combine(_folder, "out"));
        string output = Tool.Run("dotnet", Path.Combine(_folder, "out", "Consumer.dll"), _folder);
        Assert.That(output, Is.EqualTo("native library: loaded\nstream: complete\n"));
    }

    // A folder of its own for what is unpacked: another build of the same version may lie in the user's. What that has of other packages is used.
    private static string ConfigurationWith(string packages)
    {
        string users = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string fallback = Directory.Exists(users) && !Directory.Exists(Path.Combine(users, "btrfs.engine"))
            ? $"""<fallbackPackageFolders><add key="users" value="{users}" /></fallbackPackageFolders>"""
            : "";
        return $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="packages" /></config>
              <packageSources><add key="built" value="{packages}" /></packageSources>
              {fallback}
            </configuration>
            """;
    }
}
