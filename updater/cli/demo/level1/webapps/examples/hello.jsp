Hello, <c:out value="${param.name}"/>
