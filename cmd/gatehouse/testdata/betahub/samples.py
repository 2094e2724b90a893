import requests

# Configure headers
headers = {
    'Authorization': 'Bearer YOUR_TOKEN_HERE',
    'Accept': 'application/json',
    'Content-Type': 'application/json'
}

# Get projects
response = requests.get('https://app.betahub.io/projects.json', headers=headers)
projects = response.json()

# Create issue
issue_data = {
    'title': 'Performance issue in level 5',
    'description': 'Game freezes when entering level 5...',
    'category': 'bug',
    'priority': 'medium'
}

response = requests.post(
    'https://app.betahub.io/projects/pr-123/issues.json',
    headers=headers,
    json=issue_data
)
